from typing import Any, Sequence

from mxnet.ndarray import NDArray

class EvalMetric:
    name: str
    num_inst: int
    sum_metric: float
    def __init__(
        self,
        name: str,
        output_names: Sequence[str] | None = None,
        label_names: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None: ...
    def update(self, labels: Any, preds: Any) -> None: ...
    def reset(self) -> None: ...
    def get(self) -> Any: ...
    def get_name_value(self) -> list[tuple[str, float]]: ...

class Accuracy(EvalMetric):
    def __init__(self, axis: int = 1, name: str = "accuracy") -> None: ...
