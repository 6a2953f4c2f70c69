from typing import Any

from mxnet.gluon.block import HybridBlock

class Loss(HybridBlock):
    _weight: float | None
    _batch_axis: int
    def __init__(self, weight: float | None, batch_axis: int, **kwargs: Any) -> None: ...

class SoftmaxCrossEntropyLoss(Loss):
    def __init__(
        self,
        axis: int = -1,
        sparse_label: bool = True,
        from_logits: bool = False,
        weight: float | None = None,
        batch_axis: int = 0,
        **kwargs: Any,
    ) -> None: ...
