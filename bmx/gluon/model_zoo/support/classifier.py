"""Parts of image classifiers: features with a head, and stems by name."""

from __future__ import annotations

from typing import Any, Iterable

from mxnet.gluon import ParameterDict, nn
from mxnet.gluon.block import HybridBlock

from bmx.gluon.nn.blocks.stems import GroupedStem, ImageStem, ThumbnailStem
from bmx.gluon.tensor import Tensor

STEMS = ("imagenet", "grouped_stem", "thumbnail")


class Classifier(HybridBlock):
    """Features, then a dense layer, under the names that GluonCV's recipes expect.

    Args:
        features: blocks in a row; the output of the last one is flattened.
        units: number of features of the last block.
        classes: number of classes.
        use_bias: whether the dense layer has a bias.
        prefix: as in Gluon.
        params: as in Gluon.

    Inputs:
        - **data**: float32 [batch, 3, height, width].

    Outputs:
        - **out**: logits, float32 [batch, classes].
    """

    def __init__(
        self,
        features: Iterable[HybridBlock | None],
        units: int,
        classes: int,
        use_bias: bool = True,
        prefix: str | None = None,
        params: ParameterDict | None = None,
    ) -> None:
        super().__init__(prefix=prefix, params=params)
        with self.name_scope():
            self.features = nn.HybridSequential(prefix="")
            self.features.add(*(block for block in features if block is not None), nn.Flatten())
            self.output = nn.Dense(classes, use_bias=use_bias, in_units=units)

    def hybrid_forward(self, F: Any, x: Tensor) -> Tensor:
        return self.output(self.features(x))


def make_stem(
    initial_layers: str, thumbnail: bool, channels: int = 64, activation: str | HybridBlock | None = "relu"
) -> HybridBlock:
    """The first layers by name; `thumbnail` is short for that name.

    Raises:
        ValueError: the name is not known.
    """
    name = "thumbnail" if thumbnail else initial_layers
    if name not in STEMS:
        raise ValueError(f"initial_layers: expected one of {', '.join(STEMS)}, found {initial_layers!r}.")
    if name == "imagenet":
        return ImageStem(channels, activation, in_channels=3)
    return (GroupedStem if name == "grouped_stem" else ThumbnailStem)(channels, in_channels=3)


def head(relu: bool = True) -> list[HybridBlock]:
    """The end of the features: an activation, and the mean over all pixels."""
    return [*([nn.Activation("relu")] if relu else []), nn.GlobalAvgPool2D()]
