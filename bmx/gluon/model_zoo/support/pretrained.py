"""Trained parameters: a folder of files with an index, and an address that missing ones are fetched from.

The folder is `$BMX_HOME/models`; the address is in `$BMX_MODELS_URL`, http, https or file. Both hold
`models.json` and the files that it names. A file is used only if its SHA-256 is the index's.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any, Iterable, Mapping, NamedTuple, Sequence

import mxnet as mx
from mxnet import MXNetError, gluon

from bmx.gluon.data.dataset import DatasetError, digest_of
from bmx.gluon.data.fetching.download import download
from bmx.gluon.data.fetching.storage import home, written_whole

INDEX = "models.json"
ADDRESS = "BMX_MODELS_URL"
_FORMAT = 1
_SCHEMES = ("http://", "https://", "file://")


class PretrainedError(RuntimeError):
    """No trained parameters fit, or they cannot be fetched; the message says what to do."""


class TrainedModel(NamedTuple):
    """The entry of a file in the index.

    Attributes:
        name: name of the model, as `get_model` takes it.
        arguments: arguments of the constructor that the net has to be built with, such as `{"classes": 10}`.
        dataset: name of the data set that it was trained on.
        file: name of the parameter file, in the same folder.
        sha256: SHA-256 of the file in lower-case hexadecimal.
        size: size of the file in bytes.
        accuracy: share of held-out images that are classified right, 0 to 1.
        recipe: the command that trained it.
        preprocessing: how 8-bit images become the net's input; see docs/format.md.
    """

    name: str
    arguments: dict[str, Any]
    dataset: str
    file: str
    sha256: str
    size: int
    accuracy: float
    recipe: str
    preprocessing: dict[str, Any]

    @property
    def title(self) -> str:
        """For messages."""
        return f"{_shown(self.arguments)} ({self.dataset}, {100 * self.accuracy:.2f} %)"


def models_dir(root: str | os.PathLike[str] | None = None) -> Path:
    """The folder of trained parameters: `root`, or `$BMX_HOME/models`. It need not exist."""
    return home() / "models" if root is None else Path(root).expanduser()


def list_trained(root: str | os.PathLike[str] | None = None) -> list[TrainedModel]:
    """The entries of the index in the folder; none if there is no index.

    Raises:
        PretrainedError: the index is damaged.
    """
    path = models_dir(root) / INDEX
    return read_index(path) if path.is_file() else []


def read_index(path: Path) -> list[TrainedModel]:
    """Read an index.

    Raises:
        PretrainedError: it is damaged, or of another format.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            raise PretrainedError(
                f"{path}: the index has format {content['format']!r}, expected {_FORMAT}; update bmx"
            )
        return [_entry(fields) for fields in content["models"]]
    except OSError as error:
        raise PretrainedError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError) as error:
        raise PretrainedError(
            f"{path}: this is not an index of trained models ({error}); fetch it again"
        ) from None


def write_index(path: Path, models: Iterable[TrainedModel]) -> None:
    """Write an index, or none at all."""
    content = {"format": _FORMAT, "models": [model._asdict() for model in models]}
    with written_whole(path) as (temporary,):
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def find(
    name: str,
    arguments: Mapping[str, Any],
    variant: bool | str = True,
    root: str | os.PathLike[str] | None = None,
    url: str | None = None,
) -> Path:
    """The file of a model's trained parameters, fetched if need be.

    Args:
        name: name of the model.
        arguments: all arguments that the net is built with, defaults among them.
        variant: True, or if there are several the data set or the beginning of the SHA-256; or the path of a
            parameter file, which ends in `.params` and is used as it is.
        root: the folder; `$BMX_HOME/models` by default.
        url: the address to fetch from; `$BMX_MODELS_URL` by default.

    Raises:
        PretrainedError: there is none that fits, or it cannot be fetched, or it is damaged.
    """
    if isinstance(variant, str) and variant.endswith(".params"):
        return _existing(Path(variant))
    folder = models_dir(root)
    url = os.environ.get(ADDRESS) if url is None else url
    known = list_trained(folder)
    model = _choose(name, arguments, variant, known)
    if model is not None:
        path = folder / model.file
        if path.is_file() and digest_of(path, "sha256") == model.sha256:
            return path
        if not url:
            raise PretrainedError(
                f"{path}: the file is missing, or not the one that {INDEX} names; set {ADDRESS} to fetch it "
                "again, or delete both"
            )
    if not url:
        raise PretrainedError(
            _nothing(name, arguments, variant, known, f"in {folder}, and {ADDRESS} is not set")
        )
    return _fetch(name, arguments, variant, folder, url)


def load(net: gluon.Block, path: Path, ctx: mx.Context | Sequence[mx.Context] | None = None) -> None:
    """Load parameters into a net.

    Raises:
        PretrainedError: they do not fit.
    """
    try:
        net.load_parameters(str(path), ctx=ctx)
    except (AssertionError, ValueError, MXNetError) as error:
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), "no reason given")
        raise PretrainedError(
            f"{path}: the parameters do not fit the net ({reason}); build it with the arguments that it was "
            "trained with"
        ) from None


def _fetch(name: str, arguments: Mapping[str, Any], variant: bool | str, folder: Path, url: str) -> Path:
    """Bring a file and its line of the index into the folder, if it is what the index says."""
    if not url.startswith(_SCHEMES):
        raise PretrainedError(f"{ADDRESS}: expected an address with {', '.join(_SCHEMES)}; found {url!r}")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as temporary:
        index = _download(url, INDEX, Path(temporary))
        offered = read_index(index)
        model = _choose(name, arguments, variant, offered)
        if model is None:
            raise PretrainedError(_nothing(name, arguments, variant, offered, f"at {url}"))
        file = _download(url, model.file, Path(temporary))
        digest = digest_of(file, "sha256")
        if digest != model.sha256:
            raise PretrainedError(
                f"{url}/{model.file}: the SHA-256 is {digest}, expected {model.sha256}; the file was not "
                "kept: try again, or tell whoever runs the server"
            )
        os.replace(file, folder / model.file)
    others = [known for known in list_trained(folder) if known.file != model.file]
    write_index(folder / INDEX, [*others, model])
    return folder / model.file


def _download(url: str, name: str, folder: Path) -> Path:
    try:
        download(f"{url.rstrip('/')}/{name}", folder / name)
    except DatasetError as error:
        raise PretrainedError(f"{error}; check {ADDRESS} and the network") from None
    return folder / name


def _choose(
    name: str, arguments: Mapping[str, Any], variant: bool | str, models: Sequence[TrainedModel]
) -> TrainedModel | None:
    """The one model that fits; None if none does."""
    fitting = [
        model
        for model in models
        if model.name == name
        and all(key in arguments and arguments[key] == value for key, value in model.arguments.items())
        and (variant is True or model.dataset == variant or model.sha256.startswith(str(variant).lower()))
    ]
    if len(fitting) > 1:
        raise PretrainedError(
            f"{name}: there are trained parameters for {' and '.join(model.title for model in fitting)}; "
            f"choose with pretrained={fitting[0].dataset!r} or with the beginning of the SHA-256"
        )
    return fitting[0] if fitting else None


def _nothing(
    name: str, arguments: Mapping[str, Any], variant: bool | str, models: Sequence[TrainedModel], where: str
) -> str:
    """What to do where no model fits."""
    same = [model for model in models if model.name == name]
    if same:
        keys = dict.fromkeys(key for model in same for key in model.arguments)
        wanted = {key: arguments[key] for key in keys if key in arguments}
        asked = "" if variant is True else f" and pretrained={variant!r}"
        found = "; ".join(model.title for model in same)
        return (
            f"{name}: there are trained parameters for {found} {where}, but none for {_shown(wanted)}{asked}"
            "; build the net with those arguments, and change its last layer then"
        )
    return (
        f"{name}: there are no trained parameters {where}; set {ADDRESS} to the address of a release "
        "of trained models, or train the model and give its file as pretrained='FILE.params'"
    )


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise PretrainedError(f"{path}: there is no such parameter file; give another path as pretrained=...")
    return path


def _shown(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in arguments.items()) or "its default arguments"


def _entry(fields: dict[str, Any]) -> TrainedModel:
    """One line of an index, checked: it may come from anywhere."""
    model = TrainedModel(**{key: fields[key] for key in TrainedModel._fields})
    for key, kind in (("name", str), ("arguments", dict), ("dataset", str), ("file", str), ("sha256", str)):
        if not isinstance(getattr(model, key), kind):
            raise TypeError(f"{key} is {getattr(model, key)!r}")
    if not re.fullmatch(r"[\w.+-]+\.params", model.file) or model.file.startswith("."):
        raise ValueError(f"file is {model.file!r}, which is not the plain name of a parameter file")
    if not re.fullmatch(r"[0-9a-f]{64}", model.sha256):
        raise ValueError(f"sha256 is {model.sha256!r}")
    return model
