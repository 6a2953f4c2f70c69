"""Teachers: their logits, and the features of student and teacher that attention matching compares."""

from __future__ import annotations

from typing import Any, Sequence

import mxnet as mx
from mxnet import autograd, gluon

from bmx.gluon.loss import AttentionMatching, DistributionLoss, KnowledgeDistillation
from bmx.gluon.tensor import Tensor
from bmx.training.reading import ConfigError
from bmx.training.schema import Teacher as Description


class Tapped(gluon.HybridBlock):
    """A classifier that returns features along the way after its logits; its parameters are the classifier's.

    Args:
        net: classifier with ``features`` (blocks in a row) and ``output``, as those of the zoos.
        taps: numbers of the blocks whose results are returned.

    Inputs:
        - **data**: input of the classifier.

    Outputs:
        - **out**: logits, then the features of each tap.
    """

    def __init__(self, net: Any, taps: Sequence[int]) -> None:
        super().__init__(prefix="")
        self.body, self.head = net.features, net.output
        self._taps = frozenset(taps)

    def hybrid_forward(self, F: Any, x: Tensor) -> list[Tensor]:
        """Classifies, and keeps the features at the taps."""
        tapped = []
        for number, block in enumerate(self.body._children.values()):
            x = block(x)
            if number in self._taps:
                tapped.append(x)
        return [self.head(x), *tapped]


def sizes(net: Any, shape: tuple[int, ...]) -> dict[tuple[int, int], int]:
    """For each (height, width) of features the last block of ``net.features`` that gives it; 1 x 1 left out.

    Args:
        net: initialized net.
        shape: shape of a batch.

    Raises:
        ConfigError: the net is not built of features and output.
    """
    if not isinstance(getattr(net, "features", None), gluon.nn.HybridSequential) or not hasattr(
        net, "output"
    ):
        raise ConfigError(
            "teacher.attention: expected nets of 'features' (blocks in a row) and 'output', found "
            f"{type(net).__name__}; set teacher.attention = 0"
        )
    found = {}
    x = mx.nd.zeros(shape)
    for number, block in enumerate(net.features._children.values()):
        x = block(x)
        if x.ndim == 4 and min(x.shape[2:]) > 1:
            found[x.shape[2:]] = number
    return found


class Teacher:
    """The loss of a student against its teacher.

    Args:
        description: losses and their weights.
        net: initialized net of the teacher; its input is the student's.
        student: initialized net of the student.
        shape: shape of a batch of one image.

    Attributes:
        student: block that returns logits, or logits and features, called in place of the student's net.

    Raises:
        ConfigError: the nets do not fit one another.
    """

    def __init__(self, description: Description, net: Any, student: Any, shape: tuple[int, ...]) -> None:
        self._description = description
        self._losses = {
            "distribution": DistributionLoss(),
            "distillation": KnowledgeDistillation(description.temperature),
        }
        self._attention = AttentionMatching()
        outputs = [tuple(block(mx.nd.zeros(shape)).shape) for block in (student, net)]
        if outputs[0] != outputs[1]:
            raise ConfigError(
                f"teacher: expected {outputs[0][1]} classes as the student has, found {outputs[1][1]}"
            )
        self.student, self._net = student, net
        if description.attention:
            self.student, self._net = _tap_both(student, net, shape)
        for block in (self.student, self._net):
            block.hybridize(static_alloc=True)

    def loss(self, outputs: Any, images: Any) -> Any:
        """The loss of each sample, [batch]; to be called while recording.

        Args:
            outputs: outputs of `student`.
            images: images [batch, channels, height, width].
        """
        with autograd.pause(train_mode=False):
            targets = self._net(images)
        outputs, targets = (x if isinstance(x, (list, tuple)) else [x] for x in (outputs, targets))
        total = 0
        if self._description.loss:
            total = self._description.weight * self._losses[self._description.loss](outputs[0], targets[0])
        for features, target in zip(outputs[1:], targets[1:]):
            total = total + self._description.attention * self._attention(features, target)
        return total


def _tap_both(student: Any, net: Any, shape: tuple[int, ...]) -> tuple[Tapped, Tapped]:
    of_student, of_teacher = sizes(student, shape), sizes(net, shape)
    common = [size for size in of_student if size in of_teacher]
    if not common:
        raise ConfigError(
            f"teacher.attention: student and teacher have no features of one size: {list(of_student)}, "
            f"{list(of_teacher)}; choose another teacher or set teacher.attention = 0"
        )
    return (
        Tapped(student, [of_student[size] for size in common]),
        Tapped(net, [of_teacher[size] for size in common]),
    )
