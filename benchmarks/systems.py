"""Small nets for digits, one for each method of the literature; `methods.py` trains and exports them."""

from __future__ import annotations

import functools
from typing import Any, Callable, NamedTuple

# isort: split
import mxnet as mx
import numpy as np
from mxnet import gluon
from mxnet.gluon import nn

from bmx.gluon.loss import SquaredHinge
from bmx.gluon.nn import (
    BinaryBatchNorm,
    HORQConv2D,
    Pixels,
    QConv2D,
    QDense,
    ShiftBatchNorm,
    TanhSign,
    blocks,
)
from bmx.gluon.optimizer import BinaryTrainer, is_binary, scale_learning_rates
from bmx.gluon.schedule import Exponential, Schedule
from bmx.training.widths import demonstration

MEAN, STD = 0.1307, 0.3081  # of MNIST's pixels
Net = gluon.HybridBlock
BeforeStep = Callable[[Net], Callable[[float], None]]


def nothing(*_: Any) -> None:
    """The default where nothing has to be done."""


def no_schedule(_: Net) -> Callable[[float], None]:
    """The schedule that changes nothing."""
    return nothing


class System(NamedTuple):
    """A method of the literature, a small net of it, and how the net is trained.

    Attributes:
        name: name on the command line.
        title: name of the method.
        layers: the classes of `bmx.gluon.nn` in it.
        paper: arXiv number.
        build: function that makes the net for images [batch, 1, 28, 28].
        pixels: whether the net takes pixels between 0 and 1; otherwise they are standardized.
        epochs: passes over the full MNIST.
        optimizer: name of the optimizer.
        learning_rate: learning rate of the first step.
        make_trainer: constructor of the trainer, as `bmx.training.fit` takes it.
        criterion: function that makes the loss; None for softmax cross-entropy.
        prepare: function called with the net before training.
        before_step: function called with the net; it returns what each step calls with the fraction of the
            training that is over.
        magnitude: magnitude of the Xavier initialization.
    """

    name: str
    title: str
    layers: str
    paper: str
    build: Callable[[], Net]
    pixels: bool = False
    epochs: int = 1
    optimizer: str = "adam"
    learning_rate: float = 3e-3
    make_trainer: Callable[..., gluon.Trainer] = gluon.Trainer
    criterion: Callable[[], gluon.loss.Loss] | None = None
    prepare: Callable[[Net], None] = nothing
    before_step: BeforeStep = no_schedule
    magnitude: float = 3.0

    @property
    def link(self) -> str:
        """Where the paper is."""
        return f"https://arxiv.org/abs/{self.paper}"

    @property
    def preprocessing(self) -> dict[str, Any]:
        """How an 8-bit image becomes the input."""
        mean, std = (0.0, 1.0) if self.pixels else (MEAN, STD)
        return {"scale": 1 / 255, "mean": [mean], "std": [std]}

    def inputs(self, images: np.ndarray) -> np.ndarray:
        """float32 [count, 1, 28, 28] from uint8 [count, 28, 28]."""
        rule = self.preprocessing
        x = (images[:, np.newaxis] * rule["scale"] - rule["mean"][0]) / rule["std"][0]
        return x.astype(np.float32)


SYSTEMS: dict[str, System] = {}


def system(name: str, title: str, layers: str, paper: str, **options: Any) -> Callable[[Any], Any]:
    """Decorator: registers a system under the function that makes its net."""

    def add(build: Callable[[], Net]) -> Callable[[], Net]:
        SYSTEMS[name] = System(name, title, layers, paper, build, **options)
        return build

    return add


def row(*layers: Any) -> nn.HybridSequential:
    """Layers one after the other."""
    net = nn.HybridSequential()
    net.add(*layers)
    return net


def stem(channels: int = 32) -> nn.HybridSequential:
    """Real first layer: [batch, channels, 7, 7]."""
    return row(nn.Conv2D(channels, 5, strides=2, padding=2, use_bias=False), nn.MaxPool2D(2), nn.BatchNorm())


def head() -> nn.HybridSequential:
    """Real last layer, on the mean over all pixels."""
    return row(nn.Activation("relu"), nn.GlobalAvgPool2D(), nn.Flatten(), nn.Dense(10))


def convnet(conv: Callable[..., Any], dense: Callable[[int], Any], activation: Any = None) -> Net:
    """Convolution, pool, norm, then a dense layer; the first and the last layer are real."""
    between = [] if activation is None else [activation()]
    return row(
        *(stem(), conv(64), nn.MaxPool2D(2), nn.BatchNorm(), *between),
        *(conv(64), nn.BatchNorm(), *([] if activation is None else [activation()])),
        *(nn.Flatten(), dense(256), nn.BatchNorm(), nn.Activation("tanh"), nn.Dense(10)),
    )


def layers_of(**arguments: Any) -> dict[str, Callable[..., Any]]:
    """3x3 convolutions and dense layers with the same arguments."""
    arguments = {"use_bias": False, **arguments}
    return {
        "conv": lambda channels: QConv2D(channels, 3, padding=1, **arguments),
        "dense": lambda units: QDense(units, **arguments),
    }


def clipping(**options: Any) -> Callable[..., gluon.Trainer]:
    """A trainer that clips latent weights."""
    return functools.partial(BinaryTrainer, **options)


# Binarized Neural Networks

_BNN: dict[str, Any] = {
    "pixels": True,
    "criterion": SquaredHinge,
    "make_trainer": clipping(),
    "prepare": lambda net: scale_learning_rates(net.collect_params()),
}


@system(
    *("bnn_mlp", "BNN, MLP; 8-bit first layer, shift-based batch norm and AdaMax"),
    *("`QDense(input_quantizer='pixels')`, `ShiftBatchNorm`, `ShiftAdaMax`, `SquaredHinge`", "1602.02830"),
    **{**_BNN, "optimizer": "shift_adamax", "learning_rate": 2**-6, "magnitude": 1.0},
)
def bnn_mlp() -> Net:
    """All layers are binary; the last norm is an ordinary one."""
    first = QDense(512, use_bias=False, input_quantizer="pixels")
    hidden = [QDense(512, use_bias=False, in_units=512) for _ in range(2)]
    net = row(nn.Flatten(), first, ShiftBatchNorm(ndim=2, in_channels=512))
    for layer in hidden:
        net.add(layer, ShiftBatchNorm(ndim=2, in_channels=512))
    net.add(QDense(10, use_bias=False), nn.BatchNorm())
    return net


@system(
    *("bnn_convnet", "BNN, ConvNet; 8-bit first layer"),
    *("`blocks.BNNConvBlock`, `blocks.BNNDenseBlock`, `BinaryTrainer`", "1602.02830"),
    **{**_BNN, "learning_rate": 1e-3},
)
def bnn_convnet() -> Net:
    """All layers are binary."""
    return row(
        blocks.BNNConvBlock(32, input_quantizer="pixels", pool_size=2),
        blocks.BNNConvBlock(64, pool_size=2),
        blocks.BNNConvBlock(64),
        *(nn.Flatten(), blocks.BNNDenseBlock(256), blocks.BNNDenseBlock(10, activation=False)),
    )


# Scaled


@system("xnor_net", "XNOR-Net", "`blocks.XNORBlock`, `QConv2D(scaling='xnor')`", "1603.05279")
def xnor_net() -> Net:
    """Norm, sign, convolution, pool."""
    return row(
        stem(),
        blocks.XNORBlock(64, in_channels=32, pool=nn.MaxPool2D(2)),
        blocks.XNORBlock(64, in_channels=64),
        *(nn.BatchNorm(), head()),
    )


@system("bwn", "Binary-Weight-Networks", "`blocks.BWNBlock`, `QConv2D(input_bits=32)`", "1603.05279")
def bwn() -> Net:
    """Binary weights, real activations."""
    return row(
        stem(),
        *(blocks.BWNBlock(64, in_channels=32, pool=nn.MaxPool2D(2)), blocks.BWNBlock(64, in_channels=64)),
        head(),
    )


@system("horq", "HORQ, order 2", "`QConv2D(input_quantizer='horq')`", "1708.08687")
def horq() -> Net:
    """A scale for each sample."""
    return convnet(**layers_of(input_quantizer="horq", scaling="channel"))


@system("horq_position", "HORQ, order 2, per position", "`HORQConv2D(beta='position')`", "1708.08687")
def horq_position() -> Net:
    """A scale for each output position."""
    return row(
        stem(16),
        *(HORQConv2D(32, 3, strides=2, padding=1, in_channels=16, use_bias=False), nn.BatchNorm()),
        *(HORQConv2D(32, 3, padding=1, in_channels=32, use_bias=False), nn.BatchNorm()),
        *(nn.Flatten(), nn.Dense(10)),
    )


# Several bits


def unit_interval() -> Any:
    """What quantizers between 0 and 1 expect: a ReLU; they clip the rest."""
    return nn.Activation("relu")


@system("dorefanet", "DoReFa-Net, 1-bit weights, 2-bit activations", "`QConv2D(input_bits=2)`", "1606.06160")
def dorefanet() -> Net:
    """AND and popcount on bit planes."""
    return convnet(**layers_of(input_bits=2, scaling="tensor"), activation=unit_interval)


@system("wrpn", "WRPN, 2 bits, twice as wide", "`QConv2D(weight_quantizer='wrpn_weight')`", "1709.01134")
def wrpn() -> Net:
    """Two bits for weights and activations."""
    arguments = {
        **{"bits": 2, "weight_quantizer": "wrpn_weight", "input_bits": 2, "use_bias": False},
        "weight_initializer": mx.init.Uniform(1),  # below 1/2 they would all be 0
    }
    return row(
        *(stem(), unit_interval(), QConv2D(128, 3, padding=1, **arguments), nn.MaxPool2D(2)),
        *(nn.BatchNorm(), unit_interval(), QConv2D(128, 3, padding=1, **arguments), nn.BatchNorm(), head()),
    )


@system("dorefanet_4", "DoReFa-Net, 4 bits", "`QConv2D(bits=4, input_bits=4)`", "1606.06160")
def dorefanet_4() -> Net:
    """Four bits for weights and activations."""
    return convnet(**layers_of(bits=4, input_bits=4), activation=unit_interval)


@system("lsq", "LSQ, 2 bits", "`QConv2D(input_quantizer='lsq', weight_quantizer='lsq_weight')`", "1902.08153")
def lsq() -> Net:
    """Learned steps."""
    arguments = {"weight_quantizer": "lsq_weight", "input_quantizer": "lsq"}
    return convnet(**layers_of(**arguments), activation=unit_interval)


# Several terms


@system("abc_net", "ABC-Net, 3 weight terms, 2 activation terms", "`blocks.ABCBlock`", "1711.11294")
def abc_net() -> Net:
    """Six binary convolutions a layer."""
    terms = {"weight_terms": 3, "input_terms": 2}
    return row(
        stem(),
        blocks.ABCBlock(64, in_channels=32, pool=nn.MaxPool2D(2), **terms),
        blocks.ABCBlock(64, in_channels=64, **terms),
        head(),
    )


@system("groupnet", "Group-Net, 3 bases", "`blocks.GroupNetBlock`, `blocks.GroupNetStage`", "1811.10413")
def groupnet() -> Net:
    """Three branches with soft gates."""
    stage = blocks.GroupNetStage()
    stage.add(
        blocks.GroupNetBlock(16, in_channels=16, bases=3, gated=False),
        blocks.GroupNetBlock(32, 2, in_channels=16, bases=3),
    )
    return row(stem(16), stage, head())


# Shortcuts


def residual(block: Callable[..., Any]) -> Net:
    """Two stages of two blocks."""
    return row(
        stem(),
        *(block(32, in_channels=32), block(32, in_channels=32)),
        *(block(64, 2, in_channels=32), block(64, in_channels=64), head()),
    )


@system(
    "birealnet", "Bi-Real Net", "`blocks.BiRealBlock`, `QConv2D(scaling='channel_detached')`", "1808.00278"
)
def birealnet() -> Net:
    """A shortcut for each convolution."""
    return residual(blocks.BiRealBlock)


@system("resnete", "ResNetE", "`blocks.ResNetEBlock`", "1906.08637", optimizer="radam")
def resnete() -> Net:
    """As BMXNet-v2 trains it, with RAdam."""
    return residual(blocks.ResNetEBlock)


@system("reactnet", "ReActNet", "`blocks.ReActResNetBlock`, `RSign`, `RPReLU`", "2003.03488")
def reactnet() -> Net:
    """Learned shifts in front of signs and activations."""
    return residual(blocks.ReActResNetBlock)


@system("real_to_binary", "Real-to-Binary", "`blocks.RealToBinaryBlock`", "2003.11535")
def real_to_binary() -> Net:
    """Scales that depend on the data."""
    return residual(blocks.RealToBinaryBlock)


@system("fda", "FDA-BNN gradient", "`blocks.BiRealBlock(input_quantizer='fourier_sign')`", "2103.00841")
def fda() -> Net:
    """Fourier series in the backward pass."""
    return residual(functools.partial(blocks.BiRealBlock, input_quantizer="fourier_sign"))


@system("swish", "SignSwish (BNN+)", "`blocks.BiRealBlock(input_quantizer='swish_sign')`", "1812.11800")
def swish() -> Net:
    """SignSwish in the backward pass."""
    return residual(functools.partial(blocks.BiRealBlock, input_quantizer="swish_sign"))


@system("quicknet", "QuickNet", "`blocks.QuickNetBlock`, `blocks.QuickNetTransition`", "2011.09398")
def quicknet() -> Net:
    """Convolution, ReLU, norm, shortcut."""
    return row(
        stem(),
        *(blocks.QuickNetBlock(32), blocks.QuickNetBlock(32), blocks.QuickNetTransition(64, 32)),
        *(blocks.QuickNetBlock(64), blocks.QuickNetBlock(64), head()),
    )


@system("binarydensenet", "BinaryDenseNet", "`blocks.BinaryDenseLayer`, `blocks.Transition`", "1906.08637")
def binarydensenet() -> Net:
    """Layers that append 32 channels."""
    return row(
        stem(),
        *(blocks.BinaryDenseLayer(32, 32), blocks.BinaryDenseLayer(32, 64), blocks.Transition(64, 96)),
        *(blocks.BinaryDenseLayer(32, 64), blocks.BinaryDenseLayer(32, 96), nn.BatchNorm(), head()),
    )


@system("meliusnet", "MeliusNet", "`blocks.MeliusUnit`, `blocks.Transition`", "2001.05936")
def meliusnet() -> Net:
    """Dense and improvement blocks."""
    return row(
        stem(),
        *(blocks.MeliusUnit(32, 32), blocks.Transition(64, 64), blocks.MeliusUnit(32, 64)),
        *(nn.BatchNorm(), head()),
    )


def cooling(net: Net) -> Callable[[float], None]:
    """Temperature from 1 down to 0."""
    return Schedule(net, temperature=lambda done: max(1 - done / 0.8, 0.0))


@system(
    *("bnext", "BNext", "`blocks.BNextBlock`, `ProgressiveSign`, `Schedule`", "2211.12933"),
    before_step=cooling,
)
def bnext() -> Net:
    """Weights that become binary while the net trains."""
    return row(
        stem(), *(blocks.BNextBlock(64, 2, in_channels=32), blocks.BNextBlock(64, in_channels=64)), head()
    )


# No float at all


def sharpening(net: Net) -> Callable[[float], None]:
    """Nu from 1 to 1000."""
    return Schedule(net, nu=Exponential(1, 1000, 1))


@system(
    *("selfbin", "Self-Binarizing Networks; no float operation in the file"),
    *("`TanhSign`, `BinaryBatchNorm`, `Pixels`", "1902.00730"),
    **{"pixels": True, "before_step": sharpening, "learning_rate": 3e-3},
)
def selfbin() -> Net:
    """From 8-bit pixels to integer class scores."""
    weights = functools.partial(TanhSign, rescale="std")

    def conv(channels: int, **arguments: Any) -> QConv2D:
        options = {"use_bias": False, "input_quantizer": None, "padding": 1, **arguments}
        return QConv2D(channels, 3, weight_quantizer=weights(), **options)

    return row(
        # Sums of 9 pixels need thresholds of 13 bits.
        *(conv(32, input_quantizer=Pixels(integers=True)), BinaryBatchNorm(bits=13), nn.MaxPool2D(2)),
        *(conv(64), BinaryBatchNorm(), nn.MaxPool2D(2), conv(64), BinaryBatchNorm(), nn.Flatten()),
        QDense(10, use_bias=False, input_quantizer=None, weight_quantizer=weights()),
    )


# Architectures


@system(
    *("searched_widths", "Searched widths: those that `bmx widths --final-epochs 3` found"),
    *("`QConv2D`, `QDense`; [search](widths.md)", "1909.07378"),
    **{"pixels": True, "make_trainer": clipping()},
)
def searched_widths() -> Net:
    """Half of the float filters, four times the binary filters and units."""
    return demonstration.build((0.5, 4, 4))


# Training without latent weights


@system(
    *("bop", "Bop: no latent weights", "`Bop`, `BinaryTrainer(split=...)`", "1906.02107"),
    make_trainer=clipping(split={is_binary: ("bop", {"gamma": 1e-3, "threshold": 1e-8})}),
)
def bop() -> Net:
    """Binary weights that flip."""
    return residual(blocks.ResNetEBlock)
