"""`bmx data`: fetch and check data sets, write RecordIO files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterable

import click

from bmx.commands.support.options import example


class FetchableDataset(click.ParamType):
    """Name of a data set that can be fetched."""

    name = "data set"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name itself; an unknown one is a usage error."""
        names = fetchable_datasets()
        if value not in names:
            self.fail(
                f"there is no data set {value!r} to fetch; expected one of {', '.join(names)}", param, ctx
            )
        return value


def fetchable_datasets() -> list[str]:
    """Names of the data sets that have sources, sorted."""
    from bmx.gluon.data import DATASETS

    return sorted(name for name, dataset in DATASETS.items() if dataset.sources)


@click.group(epilog=example("bmx data fetch cifar10", "bmx data check"))
def data() -> None:
    """Fetch and check data sets, write RecordIO files.

    MNIST and Fashion-MNIST live in $BMX_HOME/datasets (~/.bmx), CIFAR-10 in $MXNET_HOME/datasets (~/.mxnet),
    where MXNet and GluonCV's scripts find it.
    """


@data.command(epilog=example("bmx data fetch cifar10"))
@click.argument("name", metavar="NAME", type=FetchableDataset())
def fetch(name: str) -> None:
    """Bring the data set NAME to this machine; 'bmx data check' lists the names.

    Does nothing if it is complete. An interrupted fetch resumes where it was when it is called again.
    """
    from bmx.gluon.data import fetch, find_dataset

    fetch(find_dataset(name), log=click.echo)


@data.command(epilog=example("bmx data check", "bmx data check cifar10"))
@click.argument("name", metavar="[NAME]", type=FetchableDataset(), required=False)
def check(name: str | None) -> None:
    """Compare the files of the data set NAME, or of all, with the known checksums.

    Fails if one has damaged files or only some of its files, or if NAME is not here.
    """
    from bmx.gluon.data import check, find_dataset

    found = {each: check(find_dataset(each)) for each in ([name] if name else fetchable_datasets())}
    for each, status in found.items():
        click.echo(f"{each}: {status.word}, {status.root}")
    accepted = ("complete",) if name else ("complete", "not here")
    bad = {each: status for each, status in found.items() if status.word not in accepted}
    if bad:
        raise click.ClickException("; ".join(_complaint(each, status) for each, status in bad.items()))


def _complaint(name: str, status: Any) -> str:
    parts = [
        f"{word} {', '.join(files)}"
        for word, files in (("missing", status.missing), ("damaged", status.damaged))
        if files
    ]
    return f"{status.root}: {', '.join(parts)}; run 'bmx data fetch {name}'"


@data.command(
    "imagenet-rec",
    no_args_is_help=True,
    epilog=example(
        "bmx data imagenet-rec ILSVRC2012/train --output rec/train --resize 480 --processes 8",
        "bmx data imagenet-rec ILSVRC2012/val --output rec/val --resize 480 --classes rec/train.classes.txt",
    ),
)
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--output",
    metavar="PREFIX",
    type=click.Path(path_type=Path),
    help="Path of the files without suffix; DIR by default.",
)
@click.option(
    "--resize",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Shorter side, pixels; 0 keeps the size.",
)
@click.option("--quality", type=click.IntRange(1, 100), default=95, show_default=True, help="JPEG quality.")
@click.option("--keep", is_flag=True, help="Store the bytes of the files instead of encoding them anew.")
@click.option(
    "--processes",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="Number of processes that encode.",
)
@click.option(
    "--classes",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take the labels from another .classes.txt, as a validation set must.",
)
@click.option("--no-shuffle", is_flag=True, help="Store the images sorted by class.")
@click.option("--skip-broken", is_flag=True, help="Leave out images that cannot be read.")
def imagenet_rec(
    folder: Path,
    output: Path | None,
    resize: int,
    quality: int,
    keep: bool,
    processes: int,
    classes: Path | None,
    no_shuffle: bool,
    skip_broken: bool,
) -> None:
    """Write the images in DIR to RecordIO files, so that training reads one file instead of millions.

    DIR holds a folder for each class, which holds its images (.jpg, .jpeg, .png). ImageNet you must bring
    yourself, since nobody may pass it on: unpack the archive of each class into a folder with the name of the
    class, in train/, and sort the validation images into such folders, in val/.

    Writes PREFIX.rec (images), PREFIX.idx (where each begins), PREFIX.lst (number, label, path) and
    PREFIX.classes.txt (names by label), all or none of them. GluonCV's train_imagenet.py takes them as
    --rec-train rec/train.rec --rec-train-idx rec/train.idx --rec-val rec/val.rec --rec-val-idx rec/val.idx.

    This wraps MXNet's im2rec.
    """
    from bmx.gluon.data.datasets.image_folder import load_classes
    from bmx.gluon.data.datasets.record_files import Encoding, write_records

    if keep and resize:
        raise click.UsageError("--keep stores files as they are, so --resize has no effect; give one of them")
    prefix = (output or folder).resolve()
    written = write_records(
        folder,
        prefix,
        Encoding(resize, quality, keep),
        processes,
        classes=load_classes(classes) if classes else None,
        shuffle=not no_shuffle,
        skip_broken=skip_broken,
        progress=_progress,
    )
    left_out = (
        f"; left out, because they cannot be read: {', '.join(written.broken)}" if written.broken else ""
    )
    click.echo(f"{prefix}.rec: {written.images} images of {written.classes} classes{left_out}")


def _progress(items: Iterable[Any], total: int) -> Iterable[Any]:
    from tqdm import tqdm

    return tqdm(items, total=total, desc="images", unit=" images", leave=False, disable=None)
