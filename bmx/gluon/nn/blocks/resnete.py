"""ResNetE's block: Bi-Real Net's without scaling and with the plain straight-through estimator."""

from __future__ import annotations

from typing import Any

from bmx.gluon.nn.blocks.birealnet import BiRealBlock
from bmx.gluon.nn.quantizers import DetSign


def straight_through_signs() -> dict[str, Any]:
    """Arguments of quantized layers in ResNetE, BinaryDenseNet and MeliusNet, new ones for each layer.

    Inputs pass gradients where |x| <= 1.3, weights everywhere, and nothing is scaled.
    """
    return {"input_quantizer": DetSign(1.3), "weight_quantizer": DetSign(None), "scaling": None}


class ResNetEBlock(BiRealBlock):
    """One binary convolution with its shortcut.

    Forward::

        y = BN(conv(sign(x))) + shortcut(x)

    As `BiRealBlock`, arguments included, but without scaling; inputs pass gradients where |x| <= 1.3, weights
    everywhere.

    Paper: Bethge et al., Back to Simplicity, arXiv:1906.08637, section 3.
    """

    def _paper(self) -> dict[str, Any]:
        return straight_through_signs()
