"""The logistic function of arrays, and its slope: what descriptions and analyses both need."""

import numpy as np
from numpy.typing import ArrayLike


class Logistic:
    """``1 / (1 + exp(-v))``: the paper's curve, of rates and of plateau potentials (equations 3 and 5)."""

    def value(self, v: ArrayLike) -> np.ndarray:
        """Return the curve at potentials.

        Parameters
        ----------
        v : array_like of any shape
            Potentials, relative to rest.

        Returns
        -------
        array of the shape of `v`
            Values within 0 to 1.
        """
        v = np.asarray(v)
        small = np.exp(-abs(v))  # no overflow
        return np.where(v > 0, 1.0, small) / (1.0 + small)

    def slope(self, v: ArrayLike) -> np.ndarray:
        """Return the derivative of the curve at potentials.

        Parameters
        ----------
        v : array_like of any shape
            Potentials, relative to rest.

        Returns
        -------
        array of the shape of `v`
            Derivatives, above 0.
        """
        small = np.exp(-abs(np.asarray(v)))  # not p (1 - p), which is 0 long before the slope is
        return small / (1.0 + small) ** 2
