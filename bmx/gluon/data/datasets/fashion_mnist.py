"""Fashion-MNIST: 70,000 pictures of clothes in MNIST's format (1708.07747)."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from bmx.gluon.data.dataset import Checksum, Dataset, ImageArrays, Source
from bmx.gluon.data.datasets.idx import read_split
from bmx.gluon.data.fetching.sources import at_mxnet, from_debian, from_gz_files, under
from bmx.gluon.data.fetching.storage import dataset_dir

_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
_MEAN, _STD = (0.2860,), (0.3530,)

#: SHA-256 of the unpacked files in Debian's signed package; the authors publish none.
FILES = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}


def _read(root: Path, train: bool) -> ImageArrays:
    images, labels = read_split(root, train, "run 'bmx data fetch fashion-mnist'")
    return ImageArrays(images[..., None], labels, _CLASSES, _MEAN, _STD)


FASHION_MNIST = Dataset(
    name="fashion-mnist",
    title="Fashion-MNIST",
    files={name: Checksum("sha256", digest) for name, digest in FILES.items()},
    folder=partial(dataset_dir, "fashion-mnist"),
    read=_read,
    sources=(
        Source("Debian", from_debian("dataset-fashion-mnist", "./usr/share/datasets/fashion-mnist/{}.gz")),
        Source("MXNet's server", from_gz_files(at_mxnet("fashion-mnist"))),
        Source(
            "its authors' server",
            from_gz_files(under("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/")),
        ),
    ),
)
