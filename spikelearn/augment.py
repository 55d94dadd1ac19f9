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
    """Contract of a change of images: a frozen dataclass, registered by ``spikelearn.register(like=Augment)``.

    Making one with a number out of its range raises `InputError`.
    """

    def check(self, n_inputs: int) -> None:
        """Raise `InputError` unless images of so many pixels can be changed.

        Parameters
        ----------
        n_inputs : int
            Number of pixels of an image.

        Raises
        ------
        InputError
            The images do not suit; the message says why.
        """

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Draw how each image of an epoch changes.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of the draws of one epoch.
        n : int
            Number of images.

        Returns
        -------
        (n, ...) array
            One row for each image.
        """

    def change(self, intensities: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        """Return images, changed as was drawn for each.

        Parameters
        ----------
        intensities : (n, n_inputs) float32 array
            Images, 0..1.
        drawn : (n, ...) array
            Rows of what `draw` returned.

        Returns
        -------
        (n, n_inputs) float32 array
            Changed images, 0..1.
        """


@register(like=Augment)
@dataclass(frozen=True, kw_only=True)
class Shifts:
    """Shift each image by some pixels, as small movements of the eye do; pixels that enter are black.

    Parameters
    ----------
    pixels : int
        Largest shift in each direction, pixels; all shifts are equally likely.
    width : int, optional
        Width of an image, pixels. By default images are square.
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
        """Draw the shift of each image, down and to the right: (n, 2) int64."""
        return rng.integers(-self.pixels, self.pixels, (n, 2), endpoint=True)

    def change(self, intensities: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        """Return images, shifted as was drawn for each."""
        margin, width = self.pixels, self._width(intensities.shape[1])
        images = intensities.reshape(len(intensities), -1, width)
        height = images.shape[1]
        framed = np.pad(images, ((0, 0), (margin, margin), (margin, margin)))
        rows = margin - drawn[:, :1] + np.arange(height)
        columns = margin - drawn[:, 1:] + np.arange(width)
        shifted = framed[np.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]]
        return shifted.reshape(intensities.shape)
