from typing import Sequence

from mxnet.ndarray import NDArray

def clip_global_norm(
    arrays: Sequence[NDArray], max_norm: float, check_isfinite: bool = True
) -> float | NDArray: ...
def _get_repo_file_url(namespace: str, filename: str) -> str: ...
