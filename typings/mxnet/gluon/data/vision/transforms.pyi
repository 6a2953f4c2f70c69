from typing import Any, Sequence

from mxnet.gluon.block import Block, HybridBlock
from mxnet.gluon.nn import Sequential

class Compose(Sequential):
    def __init__(self, transforms: Sequence[Block]) -> None: ...

class ToTensor(HybridBlock): ...

class Normalize(HybridBlock):
    def __init__(self, mean: Any = 0.0, std: Any = 1.0) -> None: ...
