"""RecordIO files made of image folders: what MXNet reads from them, and images that cannot be read."""

from __future__ import annotations

from pathlib import Path

import mxnet as mx
import pytest
from mxnet.gluon.data.vision import ImageRecordDataset
from PIL import Image

from bmx.gluon.data import DatasetError
from bmx.gluon.data.datasets.image_folder import load_classes
from bmx.gluon.data.datasets.record_files import Encoding, write_records
from tests.support.colored_images import CLASSES, color_class


@pytest.mark.parametrize("processes", [1, 2])
def test_records_are_read_back_by_mxnet(colored: Path, tmp_path: Path, processes: int) -> None:
    prefix = tmp_path / "new" / "train"
    written = write_records(colored, prefix, Encoding(resize=32), processes)
    assert written == (12, 3, ())
    assert load_classes(Path(f"{prefix}.classes.txt")) == CLASSES
    lines = [line.split("\t") for line in Path(f"{prefix}.lst").read_text().splitlines()]
    assert [int(number) for number, *_ in lines] == list(range(12))
    assert all(CLASSES[int(float(label))] == path.split("/")[0] for _, label, path in lines)
    assert [path for *_, path in lines] != sorted(path for *_, path in lines)
    data = ImageRecordDataset(f"{prefix}.rec")
    assert {data[index][0].shape[:2] for index in range(12)} == {(40, 32), (37, 32), (34, 32), (32, 32)}
    reader = mx.io.ImageRecordIter(
        path_imgrec=f"{prefix}.rec", path_imgidx=f"{prefix}.idx", data_shape=(3, 30, 30), batch_size=6
    )
    labels = []
    for batch in reader:
        for image, label in zip(batch.data[0].asnumpy(), batch.label[0].asnumpy()):
            assert color_class(image.transpose(1, 2, 0)) == label
            labels.append(int(label))
    assert labels == [int(float(label)) for _, label, _ in lines]


def test_records_of_unchanged_files_and_of_other_quality(colored: Path, tmp_path: Path) -> None:
    write_records(colored, tmp_path / "kept", Encoding(keep=True), shuffle=False)
    record = mx.recordio.MXIndexedRecordIO(str(tmp_path / "kept.idx"), str(tmp_path / "kept.rec"), "r")
    header, content = mx.recordio.unpack(record.read_idx(4))
    record.close()
    assert (header.label, content) == (1, (colored / "bee" / "0.jpg").read_bytes())
    sizes = []
    for quality in (10, 95):
        write_records(colored, tmp_path / "it", Encoding(quality=quality))
        sizes.append((tmp_path / "it.rec").stat().st_size)
    assert sizes[0] < sizes[1]


def test_broken_images(tmp_path: Path) -> None:
    root = tmp_path / "images"
    (root / "a").mkdir(parents=True)
    (root / "a" / "broken.jpg").write_bytes(b"junk")
    Image.new("RGB", (9, 9)).save(root / "a" / "good.png")
    with pytest.raises(DatasetError, match=r"images/a/broken.jpg: expected an image, .*; remove it"):
        write_records(root, tmp_path / "out" / "it")
    assert list((tmp_path / "out").iterdir()) == []
    assert write_records(root, tmp_path / "out" / "it", skip_broken=True) == (1, 1, ("a/broken.jpg",))
    assert len(ImageRecordDataset(str(tmp_path / "out" / "it.rec"))) == 1
    (root / "a" / "good.png").unlink()
    with pytest.raises(DatasetError, match="expected images, found 1 files, none of which can be read"):
        write_records(root, tmp_path / "other", skip_broken=True)
