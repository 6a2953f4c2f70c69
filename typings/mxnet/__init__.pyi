# The types of those parts of MXNet 1.9.1 that bmx uses; MXNet itself has none. A name that is missing here
# and used in bmx is an error of mypy: add it with the types that the use needs.
from typing import Any

from mxnet import (
    autograd as autograd,
)
from mxnet import (
    context as context,
)
from mxnet import (
    gluon as gluon,
)
from mxnet import (
    image as image,
)
from mxnet import (
    initializer as init,
)
from mxnet import (
    initializer as initializer,
)
from mxnet import (
    io as io,
)
from mxnet import (
    kvstore as kv,
)
from mxnet import (
    kvstore as kvstore,
)
from mxnet import (
    library as library,
)
from mxnet import (
    lr_scheduler as lr_scheduler,
)
from mxnet import (
    metric as metric,
)
from mxnet import (
    ndarray as nd,
)
from mxnet import (
    ndarray as ndarray,
)
from mxnet import (
    optimizer as optimizer,
)
from mxnet import (
    random as random,
)
from mxnet import (
    recordio as recordio,
)
from mxnet import (
    symbol as sym,
)
from mxnet import (
    symbol as symbol,
)
from mxnet.base import MXNetError as MXNetError
from mxnet.context import Context as Context
from mxnet.context import cpu as cpu
from mxnet.context import current_context as current_context
from mxnet.context import gpu as gpu

__version__: str

class AttrScope:
    def __init__(self, **attributes: str) -> None: ...
    def __enter__(self) -> AttrScope: ...
    def __exit__(self, *exception: Any) -> None: ...
