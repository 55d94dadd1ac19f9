"""Weights and biases of a stack of layers, as views of one flat array: an optimiser makes a single pass over it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

__all__ = ["Parameters"]


class Parameters:
    """Weights and biases of a stack of layers, zero when made.

    ``W[l]``, (post, pre), and ``b[l]``, (post,), share the memory of `flat`. Gradients and steps of an optimiser have
    the same shapes, and this class.

    Parameters
    ----------
    shapes : sequence of (post, pre)
        Shape of the weights of each layer, lowest first.
    dtype : dtype
        Type of the numbers.
    """

    def __init__(self, shapes: Sequence[tuple[int, int]], dtype: DTypeLike) -> None:
        shapes = tuple(shapes)
        self._share(shapes, np.zeros(sum(post * pre + post for post, pre in shapes), dtype))

    def _share(self, shapes: tuple[tuple[int, int], ...], flat: np.ndarray) -> None:
        """Make the arrays views of `flat`."""
        self.shapes, self.flat = shapes, flat
        self.W: list[np.ndarray] = []
        self.b: list[np.ndarray] = []
        at = 0
        for post, pre in self.shapes:
            self.W.append(self.flat[at : at + post * pre].reshape(post, pre))
            at += post * pre
            self.b.append(self.flat[at : at + post])
            at += post

    # Copied or pickled array by array, the parts would be views no more.

    def __getstate__(self) -> tuple[tuple[tuple[int, int], ...], np.ndarray]:
        return self.shapes, self.flat

    def __setstate__(self, state: tuple[tuple[tuple[int, int], ...], np.ndarray]) -> None:
        self._share(*state)

    def zeros_like(self) -> "Parameters":
        """Return parameters of the same shapes, all zero.

        Returns
        -------
        `Parameters`
            Zeros of the same shapes and type.
        """
        return Parameters(self.shapes, self.flat.dtype)

    def copy(self) -> "Parameters":
        """Return an independent copy.

        Returns
        -------
        `Parameters`
            The same numbers in memory of their own.
        """
        new = self.zeros_like()
        new.flat[:] = self.flat
        return new
