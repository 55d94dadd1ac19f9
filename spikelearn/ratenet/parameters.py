"""Weights and biases of a stack of layers, as views of one flat array: an optimiser makes a single pass over it."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from spikelearn.ratenet.connections import Connection

__all__ = ["Parameters"]


class Parameters:
    """Weights and biases of a stack of layers, zero when made.

    ``W[l]``, of the shape of its connection, and ``b[l]``, (post,), share the memory of `flat`. Gradients and steps of
    an optimiser have the same shapes, and this class.

    Parameters
    ----------
    connections : sequence of Connection
        How each layer receives the one below, lowest first.
    dtype : dtype
        Type of the numbers.
    """

    def __init__(self, connections: Sequence[Connection], dtype: DTypeLike) -> None:
        connections = tuple(connections)
        sizes = (math.prod(connection.shape) + connection.post for connection in connections)
        self._share(connections, np.zeros(sum(sizes), dtype))

    def _share(self, connections: tuple[Connection, ...], flat: np.ndarray) -> None:
        """Make the arrays views of `flat`."""
        self.connections, self.flat = connections, flat
        self.W: list[np.ndarray] = []
        self.b: list[np.ndarray] = []
        at = 0
        for connection in connections:
            size = math.prod(connection.shape)
            self.W.append(self.flat[at : at + size].reshape(connection.shape))
            at += size
            self.b.append(self.flat[at : at + connection.post])
            at += connection.post

    # Copied or pickled array by array, the parts would be views no more.

    def __getstate__(self) -> tuple[tuple[Connection, ...], np.ndarray]:
        return self.connections, self.flat

    def __setstate__(self, state: tuple[tuple[Connection, ...], np.ndarray]) -> None:
        self._share(*state)

    def zeros_like(self) -> "Parameters":
        """Return parameters of the same shapes, all zero.

        Returns
        -------
        `Parameters`
            Zeros of the same shapes and type.
        """
        return Parameters(self.connections, self.flat.dtype)

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
