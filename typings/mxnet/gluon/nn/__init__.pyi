from typing import Any, Callable, Iterator, Sequence

from mxnet.gluon.block import Block as Block
from mxnet.gluon.block import HybridBlock as HybridBlock
from mxnet.gluon.block import SymbolBlock as SymbolBlock
from mxnet.gluon.nn import conv_layers as conv_layers
from mxnet.gluon.nn.conv_layers import (
    AvgPool1D as AvgPool1D,
)
from mxnet.gluon.nn.conv_layers import (
    AvgPool2D as AvgPool2D,
)
from mxnet.gluon.nn.conv_layers import (
    AvgPool3D as AvgPool3D,
)
from mxnet.gluon.nn.conv_layers import (
    Conv1D as Conv1D,
)
from mxnet.gluon.nn.conv_layers import (
    Conv1DTranspose as Conv1DTranspose,
)
from mxnet.gluon.nn.conv_layers import (
    Conv2D as Conv2D,
)
from mxnet.gluon.nn.conv_layers import (
    Conv2DTranspose as Conv2DTranspose,
)
from mxnet.gluon.nn.conv_layers import (
    Conv3D as Conv3D,
)
from mxnet.gluon.nn.conv_layers import (
    Conv3DTranspose as Conv3DTranspose,
)
from mxnet.gluon.nn.conv_layers import (
    GlobalAvgPool1D as GlobalAvgPool1D,
)
from mxnet.gluon.nn.conv_layers import (
    GlobalAvgPool2D as GlobalAvgPool2D,
)
from mxnet.gluon.nn.conv_layers import (
    GlobalAvgPool3D as GlobalAvgPool3D,
)
from mxnet.gluon.nn.conv_layers import (
    GlobalMaxPool1D as GlobalMaxPool1D,
)
from mxnet.gluon.nn.conv_layers import (
    GlobalMaxPool2D as GlobalMaxPool2D,
)
from mxnet.gluon.nn.conv_layers import (
    GlobalMaxPool3D as GlobalMaxPool3D,
)
from mxnet.gluon.nn.conv_layers import (
    MaxPool1D as MaxPool1D,
)
from mxnet.gluon.nn.conv_layers import (
    MaxPool2D as MaxPool2D,
)
from mxnet.gluon.nn.conv_layers import (
    MaxPool3D as MaxPool3D,
)
from mxnet.gluon.nn.conv_layers import (
    ReflectionPad2D as ReflectionPad2D,
)
from mxnet.gluon.parameter import Parameter

class Sequential(Block):
    def add(self, *blocks: Block) -> None: ...
    def __getitem__(self, key: Any) -> Any: ...
    def __iter__(self) -> Iterator[Block]: ...
    def __len__(self) -> int: ...

class HybridSequential(HybridBlock):
    def add(self, *blocks: HybridBlock) -> None: ...
    def __getitem__(self, key: Any) -> Any: ...
    def __iter__(self) -> Iterator[HybridBlock]: ...
    def __len__(self) -> int: ...

class Activation(HybridBlock):
    _act_type: str
    def __init__(self, activation: str, **kwargs: Any) -> None: ...

class Dense(HybridBlock):
    _units: int
    _in_units: int
    _flatten: bool
    weight: Parameter
    bias: Parameter | None
    act: Activation | None
    def __init__(
        self,
        units: int,
        activation: str | None = None,
        use_bias: bool = True,
        flatten: bool = True,
        dtype: Any = "float32",
        weight_initializer: Any = None,
        bias_initializer: Any = "zeros",
        in_units: int = 0,
        **kwargs: Any,
    ) -> None: ...

class Dropout(HybridBlock):
    def __init__(self, rate: float, axes: Sequence[int] = (), **kwargs: Any) -> None: ...

class Flatten(HybridBlock): ...

class LeakyReLU(HybridBlock):
    def __init__(self, alpha: float, **kwargs: Any) -> None: ...

class PReLU(HybridBlock):
    alpha: Parameter
    def __init__(self, alpha_initializer: Any = ..., in_channels: int = 1, **kwargs: Any) -> None: ...

class ELU(HybridBlock):
    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None: ...

class SELU(HybridBlock): ...
class GELU(HybridBlock): ...

class Swish(HybridBlock):
    def __init__(self, beta: float = 1.0, **kwargs: Any) -> None: ...

class Lambda(Block):
    def __init__(self, function: str | Callable[..., Any], prefix: str | None = None) -> None: ...

class HybridLambda(HybridBlock):
    def __init__(self, function: str | Callable[..., Any], prefix: str | None = None) -> None: ...

class BatchNorm(HybridBlock):
    _kwargs: dict[str, Any]
    _axis: int
    _momentum: float
    gamma: Parameter
    beta: Parameter
    running_mean: Parameter
    running_var: Parameter
    in_channels: int
    def __init__(
        self,
        axis: int = 1,
        momentum: float = 0.9,
        epsilon: float = 1e-5,
        center: bool = True,
        scale: bool = True,
        use_global_stats: bool = False,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        running_mean_initializer: Any = "zeros",
        running_variance_initializer: Any = "ones",
        in_channels: int = 0,
        **kwargs: Any,
    ) -> None: ...

class InstanceNorm(HybridBlock):
    def __init__(self, axis: int = 1, epsilon: float = 1e-5, **kwargs: Any) -> None: ...

class LayerNorm(HybridBlock):
    def __init__(self, axis: int = -1, epsilon: float = 1e-5, **kwargs: Any) -> None: ...
