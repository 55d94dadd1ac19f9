"""The weights of a recurrent network: what learns, and which of it exists."""

from typing import NamedTuple

import numpy as np

__all__ = ["Weights"]


class Weights(NamedTuple):
    """Two matrices, (post, pre); the last column of both is the bias.

    Parameters
    ----------
    recurrent : (units, units + inputs + 1) array
        Weights from the units' own activity a step before, from the inputs, and the bias, in this order.
    readout : (outputs, units + 1) array
        Weights from the units to the outputs, and the bias.
    free : (units, units + inputs + 1) bool array
        True for recurrent weights that exist and learn; the others are zero.
    """

    recurrent: np.ndarray
    readout: np.ndarray
    free: np.ndarray

    @property
    def units(self) -> np.ndarray:
        """Weights between units, (units, units): a view."""
        return self.recurrent[:, : len(self.recurrent)]

    @property
    def outward(self) -> np.ndarray:
        """Readout weights without the biases, (outputs, units): a view."""
        return self.readout[:, :-1]

    def copy(self) -> "Weights":
        """Return an independent copy.

        Returns
        -------
        `Weights`
            The same numbers in memory of their own; `free` is shared.
        """
        return Weights(self.recurrent.copy(), self.readout.copy(), self.free)

    def zeros_like(self) -> "Weights":
        """Return weights that are all zero, as room for a gradient.

        Returns
        -------
        `Weights`
            Zeros of the same shapes; `free` is shared.
        """
        return Weights(np.zeros_like(self.recurrent), np.zeros_like(self.readout), self.free)
