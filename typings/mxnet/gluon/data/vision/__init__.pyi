from typing import Any

from mxnet.gluon.data import Dataset
from mxnet.gluon.data.vision import transforms as transforms

class ImageFolderDataset(Dataset):
    synsets: list[str]
    items: list[tuple[str, int]]
    _exts: list[str]
    def __init__(self, root: str, flag: int = 1, transform: Any = None) -> None: ...

class ImageRecordDataset(Dataset):
    def __init__(self, filename: str, flag: int = 1, transform: Any = None) -> None: ...

class CIFAR10(Dataset):
    def __init__(self, root: str = ..., train: bool = True, transform: Any = None) -> None: ...
