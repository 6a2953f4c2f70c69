"""Checkpoints of BMXNet and BMXNet-v2 (Yang et al., arXiv:1705.09864), as nets of bmx."""

from bmx.gluon.bmxnet.checkpoint import load_bmxnet
from bmx.gluon.bmxnet.net import import_bmxnet

__all__ = ["import_bmxnet", "load_bmxnet"]
