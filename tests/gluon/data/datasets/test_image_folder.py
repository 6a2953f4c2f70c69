"""Image folders, RecordIO files made of them, and batches from both."""

from __future__ import annotations

from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon.data.vision import ImageFolderDataset, ImageRecordDataset
from PIL import Image

from bmx.gluon.data import DatasetError, ImageBatches, ImageFolder, get_augmentation
from bmx.gluon.data.datasets.image_folder import load_classes
from bmx.gluon.data.datasets.record_files import Encoding, write_records

CLASSES = ("ant", "bee", "cat")
COLORS = {"ant": (200, 30, 30), "bee": (30, 200, 30), "cat": (30, 30, 200)}
PER_CLASS = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four images of each class, each of its own size and of the color of its class."""
    root = tmp_path_factory.mktemp("images")
    for name in CLASSES:
        (root / name).mkdir()
        for number in range(PER_CLASS):
            suffix = ("jpg", "png", "JPEG", "jpeg")[number]
            Image.new("RGB", (40 + 3 * number, 50), COLORS[name]).save(root / name / f"{number}.{suffix}")
        (root / name / "notes.txt").write_text("not an image")
    return root


def color_class(image: np.ndarray) -> int:
    """The class of an image (height, width, 3) by its color."""
    return int(image.reshape(-1, 3).mean(axis=0).argmax())


def test_folder_is_gluons_and_quiet(folder: Path) -> None:
    data = ImageFolder(folder)
    assert data.classes == CLASSES
    with pytest.warns(UserWarning, match="Ignoring"):
        stock = ImageFolderDataset(str(folder))
    assert sorted(data.items) == sorted(stock.items)
    assert data.synsets == stock.synsets
    image, label = data[5]
    assert color_class(image.asnumpy()) == label == 1


def test_given_classes_keep_their_labels(folder: Path) -> None:
    data = ImageFolder(folder, ["zebra", "cat", "bee", "ant"])
    assert {Path(path).parent.name: label for path, label in data.items} == {"cat": 1, "bee": 2, "ant": 3}
    with pytest.raises(DatasetError, match="the folder cat is none of the 2 classes"):
        ImageFolder(folder, ["ant", "bee"])


@pytest.mark.parametrize(
    "make", [lambda path: None, lambda path: path.mkdir(), lambda path: (path / "a").mkdir(parents=True)]
)
def test_no_images(tmp_path: Path, make) -> None:
    make(tmp_path / "x")
    with pytest.raises(DatasetError, match="x: no images; expected a folder for each class"):
        ImageFolder(tmp_path / "x")


@pytest.mark.parametrize("processes", [1, 2])
def test_records_are_read_back_by_mxnet(folder: Path, tmp_path: Path, processes: int) -> None:
    prefix = tmp_path / "new" / "train"
    written = write_records(folder, prefix, Encoding(resize=32), processes)
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


def test_records_of_unchanged_files_and_of_other_quality(folder: Path, tmp_path: Path) -> None:
    write_records(folder, tmp_path / "kept", Encoding(keep=True), shuffle=False)
    record = mx.recordio.MXIndexedRecordIO(str(tmp_path / "kept.idx"), str(tmp_path / "kept.rec"), "r")
    header, content = mx.recordio.unpack(record.read_idx(4))
    record.close()
    assert (header.label, content) == (1, (folder / "bee" / "0.jpg").read_bytes())
    sizes = []
    for quality in (10, 95):
        write_records(folder, tmp_path / "it", Encoding(quality=quality))
        sizes.append((tmp_path / "it.rec").stat().st_size)
    assert sizes[0] < sizes[1]


def test_broken_images(tmp_path: Path) -> None:
    root = tmp_path / "images"
    (root / "a").mkdir(parents=True)
    (root / "a" / "broken.jpg").write_bytes(b"junk")
    Image.new("RGB", (9, 9)).save(root / "a" / "good.png")
    with pytest.raises(DatasetError, match=r"images/a/broken.jpg: not an image that can be read; remove"):
        write_records(root, tmp_path / "out" / "it")
    assert list((tmp_path / "out").iterdir()) == []
    assert write_records(root, tmp_path / "out" / "it", skip_broken=True) == (1, 1, ("a/broken.jpg",))
    assert len(ImageRecordDataset(str(tmp_path / "out" / "it.rec"))) == 1
    (root / "a" / "good.png").unlink()
    with pytest.raises(DatasetError, match="none of its 1 images can be read"):
        write_records(root, tmp_path / "other", skip_broken=True)


def one_pass(batches: ImageBatches) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(images.asnumpy(), labels.asnumpy()) for images, labels in batches]


def assert_same(left: list, right: list) -> None:
    assert len(left) == len(right)
    for (images, labels), (other_images, other_labels) in zip(left, right):
        np.testing.assert_array_equal(images, other_images)
        np.testing.assert_array_equal(labels, other_labels)


def make(folder: Path, batch_size: int = 4, **options) -> ImageBatches:
    return ImageBatches(
        ImageFolder(folder), batch_size, 112, True, get_augmentation("high", 112), 3, **options
    )


def test_image_batches_repeat_and_resume_with_any_number_of_processes(folder: Path) -> None:
    batches = make(folder)
    first, second = one_pass(batches), one_pass(batches)
    assert first[0][0].shape == (4, 3, 112, 112)
    for images, labels in first:
        assert [color_class(image.transpose(1, 2, 0)) for image in images] == labels.tolist()
    assert any((a != b).any() for (a, _), (b, _) in zip(first, second))
    again = make(folder, processes=2)
    again.set_epoch(1, step=1)
    assert_same(one_pass(again), second[1:])


def test_image_batches_of_workers_are_those_of_one(folder: Path) -> None:
    parts = [one_pass(make(folder, 2, part=(rank, 2))) for rank in (0, 1)]
    together = [tuple(np.concatenate(pair) for pair in zip(*shares)) for shares in zip(*parts)]
    assert_same(together, one_pass(make(folder, 4)))


def test_evaluation_shows_the_middle(folder: Path) -> None:
    batches = ImageBatches(ImageFolder(folder), 5, 16, mean=(0, 0, 0), std=(1, 1, 1))
    assert (len(batches), batches.sample_count) == (3, 12)
    passes = one_pass(batches)
    assert [len(labels) for _, labels in passes] == [5, 5, 2]
    np.testing.assert_allclose(passes[0][0][0, :, 8, 8] * 255, COLORS["ant"], atol=4)  # JPEG


def test_an_augmentation_of_another_size_is_refused(folder: Path) -> None:
    batches = ImageBatches(ImageFolder(folder), 5, 100, augment=get_augmentation("medium", 112))
    with pytest.raises(ValueError, match=r"image 0 has shape \(112, 112, 3\).*expected 100 x 100"):
        next(iter(batches))
