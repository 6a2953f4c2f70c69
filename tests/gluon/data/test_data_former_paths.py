"""Paths that programs may import from, and that have moved since."""

from __future__ import annotations

import bmx.gluon.data
import bmx.training


def test_former_paths() -> None:
    from bmx.gluon.data.image_folder import load_classes, save_classes
    from bmx.gluon.data.transforms import evaluation_transform, training_transform
    from bmx.training.batches import Batches, random_shift

    assert Batches is bmx.training.Batches is bmx.gluon.data.Batches
    assert random_shift is bmx.training.random_shift
    assert bmx.gluon.data.transforms.training_transform is training_transform
    assert all(map(callable, (load_classes, save_classes, evaluation_transform)))
