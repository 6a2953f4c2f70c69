"""Means, sums and maxima along axes: MXNet, the compiler and the packed file agree."""

from __future__ import annotations

from typing import Callable

import pytest

from bmx.gluon import library
from tests.support.compiled_nets import check

pytestmark = pytest.mark.skipif(not library.is_loaded(), reason="built without MXNet's operator library")

IMAGE, VECTOR = (3, 4, 5, 6), (3, 7)

REDUCTIONS: dict[str, tuple[Callable, tuple, list[str]]] = {
    "mean of channels": (lambda nd, x: nd.mean(x, axis=1, keepdims=True), IMAGE, ["conv2d"]),
    "mean of channels without them": (lambda nd, x: nd.mean(x, axis=1), IMAGE, ["conv2d", "reshape"]),
    "mean of a sample": (lambda nd, x: nd.mean(x, axis=0, exclude=True, keepdims=True), IMAGE, []),
    "mean of channels and rows": (lambda nd, x: nd.mean(x, axis=(1, 2), keepdims=True), IMAGE, []),
    "mean of a vector": (lambda nd, x: nd.mean(x, axis=-1, keepdims=True), VECTOR, ["dense"]),
    "sum of an image": (lambda nd, x: nd.sum(x, axis=(2, 3)), IMAGE, ["avg_pool2d", "affine", "flatten"]),
    "sum of channels": (lambda nd, x: nd.sum(nd.concat(x, x, dim=1), axis=1, keepdims=True), IMAGE, []),
    "sum of few channels": (lambda nd, x: nd.sum(x, axis=1, keepdims=True), IMAGE, ["slice", "add"]),
    "sum of parts": (lambda nd, x: nd.sum(nd.reshape(x, (0, 2, 2, 5, 6)), axis=1), IMAGE, ["slice", "add"]),
    "sum of many parts": (lambda nd, x: nd.sum(nd.reshape(x, (0, 6, 5, 2, 2)), axis=1), IMAGE, []),
    "mean of two axes of four": (
        lambda nd, x: nd.mean(nd.reshape(x, (0, 2, 2, 5, 6)), axis=(1, 3), keepdims=True),
        IMAGE,
        [],
    ),
    "sum of rows of a matrix": (lambda nd, x: nd.sum(nd.reshape(x, (0, 20, 6)), axis=1), IMAGE, []),
    "max of an image": (lambda nd, x: nd.max(x, axis=(2, 3), keepdims=True), IMAGE, ["max_pool2d"]),
    "max of channels": (lambda nd, x: nd.max(x, axis=1, keepdims=True), IMAGE, []),
    "max of a vector": (lambda nd, x: nd.max(x, axis=1, keepdims=True), VECTOR, []),
    "max of parts": (lambda nd, x: nd.max(nd.reshape(x, (0, 2, 2, 5, 6)), axis=2), IMAGE, []),
}


@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(name: str) -> None:
    net, shape, expected = REDUCTIONS[name]
    operators = check(net, shape)
    if expected:
        assert set(operators) - {"transpose"} >= set(expected)
