"""Trained parameters by name: from the folder, over file:// and HTTP, checked, and with clear refusals."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from pathlib import Path
from typing import Any, Iterator

import mxnet as mx
import numpy as np
import pytest

from bmx.gluon.data.dataset import digest_of
from bmx.gluon.model_zoo import get_model
from bmx.gluon.model_zoo.support.pretrained import (
    ADDRESS,
    INDEX,
    PretrainedError,
    TrainedModel,
    list_trained,
    models_dir,
    write_index,
)

UNITS = {"units": 8}  # a small bnn_mlp


def small(**arguments: Any) -> Any:
    return get_model("bnn_mlp", **{**UNITS, **arguments})


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as scripts/release_models.py makes it."""
    return make_release(tmp_path_factory.mktemp("release"), {"mnist": 1})


def make_release(folder: Path, seeds: dict[str, int]) -> Path:
    models = []
    for dataset, seed in seeds.items():
        mx.random.seed(seed)
        net = small()
        net.initialize(mx.init.Xavier())
        net(mx.nd.zeros((1, 1, 28, 28)))
        path = folder / f"bnn_mlp-{dataset}.params"
        net.save_parameters(str(path))
        size, digest = path.stat().st_size, digest_of(path, "sha256")
        arguments = {"classes": 10, "units": 8}
        models.append(
            TrainedModel(
                "bnn_mlp", arguments, dataset, path.name, digest, size, 0.9, "by hand", {"scale": 1 / 255}
            )
        )
    write_index(folder / INDEX, models)
    return folder


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BMX_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(ADDRESS, raising=False)
    return tmp_path / "home"


def first_weight(net: Any) -> np.ndarray:
    return next(iter(net.collect_params(".*weight").values())).data().asnumpy()


def stored_weight(folder: Path, dataset: str = "mnist") -> np.ndarray:
    arrays = mx.nd.load(str(folder / f"bnn_mlp-{dataset}.params"))
    return next(array for name, array in arrays.items() if name.endswith("weight")).asnumpy()


def test_the_folder_is_in_the_home() -> None:
    assert models_dir().name == "models"
    assert models_dir().parent.name == "home"
    assert list_trained() == []


def test_a_local_file_is_loaded(release: Path) -> None:
    net = small(pretrained=True, root=release, ctx=mx.cpu(0))
    np.testing.assert_array_equal(first_weight(net), stored_weight(release))
    assert net(mx.nd.zeros((2, 1, 28, 28))).shape == (2, 10)
    assert [model.accuracy for model in list_trained(release)] == [0.9]


def test_without_pretrained_the_arguments_of_gluoncv_are_taken() -> None:
    net = small(pretrained=False, root="nowhere", ctx=[mx.cpu(0)])
    net.initialize()
    assert net(mx.nd.zeros((1, 1, 28, 28))).shape == (1, 10)


def test_a_file_is_fetched_once(release: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ADDRESS, release.as_uri())
    np.testing.assert_array_equal(first_weight(small(pretrained=True)), stored_weight(release))
    assert sorted(path.name for path in (home / "models").iterdir()) == ["bnn_mlp-mnist.params", INDEX]
    monkeypatch.delenv(ADDRESS)
    np.testing.assert_array_equal(first_weight(small(pretrained=True)), stored_weight(release))


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Keeps the output of the tests quiet."""


@pytest.fixture
def server(release: Path) -> Iterator[str]:
    handler = functools.partial(_Quiet, directory=str(release))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_a_file_is_fetched_over_http(
    server: str, release: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ADDRESS, f"{server}/")
    np.testing.assert_array_equal(first_weight(small(pretrained=True)), stored_weight(release))
    monkeypatch.setenv(ADDRESS, f"{server}/elsewhere")
    (home / "models" / INDEX).unlink()
    with pytest.raises(PretrainedError, match=r"elsewhere/models\.json: the server answered 404"):
        small(pretrained=True)


def test_a_file_with_another_checksum_is_not_kept(
    release: Path, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / INDEX).write_text((release / INDEX).read_text())
    content = bytearray((release / "bnn_mlp-mnist.params").read_bytes())
    content[-1] ^= 1
    (bad / "bnn_mlp-mnist.params").write_bytes(content)
    monkeypatch.setenv(ADDRESS, bad.as_uri())
    with pytest.raises(PretrainedError, match=r"the SHA-256 is [0-9a-f]+, expected .*the file was not kept"):
        small(pretrained=True)
    assert list((home / "models").iterdir()) == []
    monkeypatch.delenv(ADDRESS)
    with pytest.raises(PretrainedError, match=r"mnist\.params: the file is missing, or not the one"):
        small(pretrained=True, root=bad)


def test_a_damaged_local_file_is_fetched_again(
    release: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ADDRESS, release.as_uri())
    small(pretrained=True)
    (home / "models" / "bnn_mlp-mnist.params").write_bytes(b"damaged")
    np.testing.assert_array_equal(first_weight(small(pretrained=True)), stored_weight(release))


def test_what_to_do_where_there_is_nothing(home: Path) -> None:
    with pytest.raises(PretrainedError) as error:
        get_model("lenet", pretrained=True)
    assert str(error.value) == (
        f"lenet: there are no trained parameters in {home}/models, and BMX_MODELS_URL is not set; set "
        "BMX_MODELS_URL to the address of a release of trained models, or train the model and give its file "
        "as pretrained='FILE.params'"
    )


def test_another_number_of_classes_is_refused(release: Path) -> None:
    with pytest.raises(
        PretrainedError,
        match=r"for classes=10, units=8 \(mnist, 90.00 %\) in .*, but none for classes=7, units=8; build",
    ):
        small(pretrained=True, classes=7, root=release)
    with pytest.raises(PretrainedError, match="none for classes=10, units=4096; build"):
        get_model("bnn_mlp", pretrained=True, root=release)


def test_one_of_several_is_chosen(tmp_path: Path) -> None:
    folder = make_release(tmp_path, {"mnist": 1, "fashion-mnist": 2})
    with pytest.raises(PretrainedError, match=r"\(mnist.* and .*\(fashion.*; choose with pretrained='mnist'"):
        small(pretrained=True, root=folder)
    digest = digest_of(folder / "bnn_mlp-mnist.params", "sha256")
    for choice, dataset in (("fashion-mnist", "fashion-mnist"), (digest[:8], "mnist")):
        net = small(pretrained=choice, root=folder)
        np.testing.assert_array_equal(first_weight(net), stored_weight(folder, dataset))
    with pytest.raises(PretrainedError, match="none for classes=10, units=8 and pretrained='cifar10'"):
        small(pretrained="cifar10", root=folder)


def test_a_path_is_loaded_as_it_is(release: Path, tmp_path: Path) -> None:
    path = str(release / "bnn_mlp-mnist.params")
    np.testing.assert_array_equal(first_weight(small(pretrained=path)), stored_weight(release))
    with pytest.raises(PretrainedError, match="the parameters do not fit the net"):
        small(pretrained=path, units=16)
    with pytest.raises(PretrainedError, match="there is no such parameter file"):
        small(pretrained=str(tmp_path / "other.params"))


def test_addresses_of_other_kinds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ADDRESS, "/some/folder")
    with pytest.raises(PretrainedError, match=r"expected an address with http://, .*; found '/some/folder'"):
        small(pretrained=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"file": "../../evil.params"}, "not the plain name of a parameter file"),
        ({"file": "models.json"}, "not the plain name of a parameter file"),
        ({"sha256": "ABC"}, "sha256 is 'ABC'"),
        ({"arguments": []}, r"arguments is \[\]"),
    ],
)
def test_damaged_indexes_are_refused(change: dict, message: str, release: Path, tmp_path: Path) -> None:
    content = json.loads((release / INDEX).read_text())
    content["models"][0].update(change)
    (tmp_path / INDEX).write_text(json.dumps(content))
    with pytest.raises(PretrainedError, match=f"this is not an index of trained models .*{message}"):
        small(pretrained=True, root=tmp_path)


def test_an_index_of_the_future_is_refused(tmp_path: Path) -> None:
    (tmp_path / INDEX).write_text('{"format": 2}')
    with pytest.raises(PretrainedError, match="the index has format 2, expected 1; update bmx"):
        small(pretrained=True, root=tmp_path)
