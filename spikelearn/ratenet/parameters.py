"""Weights and biases of a stack of layers, as views of one flat array: an optimiser makes a single pass over it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike


class Parameters:
    """Arrays ``W[l]``, (post, pre), and ``b[l]``, (post,), that share the memory of `flat`. Zero when made.

    Also used for gradients and for an optimiser's steps, which have the same shapes.

    Parameters
    ----------
    shapes : sequence of (post, pre)
    dtype : dtype
    """

    def __init__(self, shapes: Sequence[tuple[int, int]], dtype: DTypeLike) -> None:
        self.shapes = tuple(shapes)
        self.flat = np.zeros(sum(post * pre + post for post, pre in self.shapes), dtype)
        self.W: list[np.ndarray] = []
        self.b: list[np.ndarray] = []
        at = 0
        for post, pre in self.shapes:
            self.W.append(self.flat[at : at + post * pre].reshape(post, pre))
            at += post * pre
            self.b.append(self.flat[at : at + post])
            at += post

    def zeros_like(self) -> "Parameters":
        """Return parameters of the same shapes, all zero."""
        return Parameters(self.shapes, self.flat.dtype)

    def copy(self) -> "Parameters":
        """Return an independent copy."""
        new = self.zeros_like()
        new.flat[:] = self.flat
        return new
