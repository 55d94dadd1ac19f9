"""Images changed a little each time they are learned from: one frozen class for each change.

What is drawn follows from seed, epoch and place in the epoch, whatever the size of chunks. Test images stay.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from spikelearn.errors import InputError, check_range
from spikelearn.kinds import register


class Augment(Protocol):
    """A frozen dataclass, made known by ``spikelearn.register(like=Augment)``."""

    def check(self, n_inputs: int) -> None:
        """Raise `InputError` unless images of so many pixels can be changed."""

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Draw what becomes of each of `n` images of an epoch; an array whose first axis is theirs."""

    def change(self, intensities: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        """Return (n, n_inputs) float32 images in 0..1, changed as was drawn for each."""


@register(like=Augment)
@dataclass(frozen=True, kw_only=True)
class Shifts:
    """The whole image some pixels up or down, left or right, as by small movements of the eye; what enters is black.

    Parameters
    ----------
    pixels : int
        At most so many in each direction; all shifts are equally likely.
    width : int, optional
        Of an image, in pixels. By default images are square.
    """

    pixels: int = 1
    width: int | None = None

    def __post_init__(self) -> None:
        check_range("Shifts.pixels", self.pixels, at_least=1, integer=True)
        if self.width is not None:
            check_range("Shifts.width", self.width, at_least=1, integer=True)

    def check(self, n_inputs: int) -> None:
        """Raise `InputError` unless images of so many pixels can be shifted."""
        if self.width is None and math.isqrt(n_inputs) ** 2 != n_inputs:
            raise InputError(f"Shifts.width is needed: images of {n_inputs} pixels are not square")
        width = self._width(n_inputs)
        if n_inputs % width:
            raise InputError(f"Shifts.width={width} does not divide the {n_inputs} pixels of an image")
        shorter = min(width, n_inputs // width)
        if self.pixels >= shorter:
            raise InputError(
                f"Shifts.pixels={self.pixels} can shift all of an image out of sight; below {shorter} is possible"
            )

    def _width(self, n_inputs: int) -> int:
        return math.isqrt(n_inputs) if self.width is None else self.width

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Draw for each image by how much it is shifted, down and to the right: (n, 2) int64."""
        return rng.integers(-self.pixels, self.pixels, (n, 2), endpoint=True)

    def change(self, intensities: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        """Return (n, n_inputs) images, shifted as was drawn for each."""
        margin, width = self.pixels, self._width(intensities.shape[1])
        images = intensities.reshape(len(intensities), -1, width)
        height = images.shape[1]
        framed = np.pad(images, ((0, 0), (margin, margin), (margin, margin)))
        rows = margin - drawn[:, :1] + np.arange(height)
        columns = margin - drawn[:, 1:] + np.arange(width)
        shifted = framed[np.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]]
        return shifted.reshape(intensities.shape)
