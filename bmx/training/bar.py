"""The progress bar: images, images per second and the time left."""

from __future__ import annotations

from typing import Any

from tqdm import tqdm

from bmx.training.engine import Callback, Engine


class Bar(Callback):
    """A bar over a whole stage; nothing where the output is not a terminal.

    Args:
        name: name before the bar.
        images: number of images in all epochs.
        done: number of images that a resumed run has seen.
    """

    def __init__(self, name: str, images: int, done: int = 0) -> None:
        self._bar = tqdm(
            total=images, initial=done, desc=name, unit=" images", unit_scale=True, leave=False, disable=None
        )

    def after_batch(self, engine: Engine, loss: float, samples: int) -> None:
        """Moves the bar on by the images of a batch."""
        self._bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
        self._bar.update(samples)

    def __enter__(self) -> Bar:
        """The bar itself."""
        return self

    def __exit__(self, *_: Any) -> None:
        """Takes the bar away."""
        self._bar.close()
