"""Costs: equal to products counted by hand, for every kind of layer."""

from __future__ import annotations

import pytest
from mxnet.gluon import nn

from bmx.gluon.nn import QConv2D, QDense
from bmx.gluon.nn.quantizers import DetSign
from bmx.training.widths import Cost, count_cost
from bmx.training.widths.demonstration import build


class TwoTerms(DetSign):
    def terms(self, F, x, **learned):
        first = super().terms(F, x, **learned)
        return [*first, *super().terms(F, x - first[0].codes, **learned)]


def cost_of(*layers: nn.HybridBlock, shape: tuple[int, ...] = (4, 10, 9)) -> Cost:
    net = nn.HybridSequential()
    net.add(*layers)
    net.initialize()
    return count_cost(net, shape)


def products(out: int, height: int, width: int, inputs: int, taps: int) -> int:
    """Plain loops: one product for each output, input channel of its group and tap."""
    return sum(inputs * taps for _ in range(out) for _ in range(height) for _ in range(width))


@pytest.mark.parametrize(
    ("layer", "binary", "real"),
    [
        (nn.Conv2D(6, 3), 0, products(6, 8, 7, 4, 9)),
        (nn.Conv2D(6, 3, strides=2, padding=1, groups=2), 0, products(6, 5, 5, 2, 9)),
        (nn.Dense(5), 0, 5 * 360),
        (nn.Dense(5, flatten=False), 0, 4 * 10 * 5 * 9),
        (QConv2D(6, 3), products(6, 8, 7, 4, 9), 0),
        (QConv2D(8, (3, 1), dilation=2, groups=4), products(8, 6, 9, 1, 3), 0),
        (QDense(5), 5 * 360, 0),
        (QConv2D(6, 3, input_quantizer=None), products(6, 8, 7, 4, 9), 0),
        (QConv2D(6, 3, bits=2, input_bits=4), products(6, 8, 7, 4, 9) * 2 * 4, 0),
        (QConv2D(6, 3, input_quantizer=TwoTerms()), products(6, 8, 7, 4, 9) * 2, 0),
        (QDense(5, input_bits=32), 0, 5 * 360),
        (nn.BatchNorm(), 0, 0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.HybridBlock) else None,
)
def test_a_layer_costs_its_products(layer: nn.HybridBlock, binary: int, real: int) -> None:
    assert cost_of(layer) == Cost(binary_macs=binary, float_macs=real)


def test_64_binary_products_cost_as_much_as_a_float_one() -> None:
    assert Cost(binary_macs=640, float_macs=3).total == 13


def test_the_demonstration_net_counted_by_hand() -> None:
    net = build((0.5, 2, 1.5))
    net.initialize()
    binary = 8 * 8 * 64 * 8 * 25 + 64 * 16 * 192
    real = 24 * 24 * 8 * 25 + 192 * 10
    assert count_cost(net, (1, 28, 28)) == Cost(binary, real)


def test_a_layer_that_is_called_twice_counts_twice_and_hybridized_nets_count_too() -> None:
    layer = nn.Dense(9, in_units=9)
    net = nn.HybridSequential()
    net.add(layer, layer)
    net.initialize()
    net.hybridize()
    assert count_cost(net, (9,)) == Cost(0, 2 * 81)
    assert not layer._forward_hooks


def test_a_layer_that_cannot_be_counted_is_refused() -> None:
    with pytest.raises(ValueError, match="Conv2DTranspose, whose cost is not counted"):
        cost_of(nn.Conv2DTranspose(4, 3))
