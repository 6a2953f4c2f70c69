"""Data sets for training, one file each. Arrays in memory: the sets that live here are small."""

from bmx.gluon.data.mnist import MNIST, Digits, MNISTError, load_mnist

__all__ = ["MNIST", "Digits", "MNISTError", "load_mnist"]
