from typing import Any, Sequence

class LRScheduler:
    base_lr: float
    warmup_steps: int
    def __init__(self, base_lr: float = 0.01, **warmup: Any) -> None: ...
    def __call__(self, num_update: int) -> float: ...
    def get_warmup_lr(self, num_update: int) -> float: ...

class MultiFactorScheduler(LRScheduler):
    def __init__(
        self, step: Sequence[int], factor: float = 1, base_lr: float = 0.01, **warmup: Any
    ) -> None: ...

class PolyScheduler(LRScheduler):
    def __init__(
        self, max_update: int, base_lr: float = 0.01, pwr: float = 2, final_lr: float = 0, **warmup: Any
    ) -> None: ...

class CosineScheduler(LRScheduler):
    def __init__(
        self, max_update: int, base_lr: float = 0.01, final_lr: float = 0, **warmup: Any
    ) -> None: ...
