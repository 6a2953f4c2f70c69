"""Fashion-MNIST and MNIST as `get_dataset` gives them."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from bmx.gluon.data import DatasetError, get_dataset


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_arrays(name: str, tmp_path: Path) -> None:
    images = np.random.RandomState(6).randint(0, 256, (3, 28, 28)).astype(np.uint8)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(
        struct.pack(">IIII", 0x803, 3, 28, 28) + images.tobytes()
    )
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, 3) + bytes([7, 0, 9]))
    data = get_dataset(name, False, tmp_path)
    np.testing.assert_array_equal(data.images, images[..., None])
    np.testing.assert_array_equal(data.labels, [7, 0, 9])
    assert (len(data.classes), len(data.mean), len(data.std)) == (10, 1, 1)
    with pytest.raises(DatasetError, match=f"run 'bmx data fetch {name}'"):
        get_dataset(name, True, tmp_path)
