"""Columns of numbers become intensities of inputs, numbers in 0..1.

Numbers that are all within 0..1 stay as they are. All others are scaled column by column, so that the smallest number
of the training set becomes 0 and the largest 1; a column that is constant there becomes 0. What comes later is scaled
by the same numbers and clipped to 0..1.
"""

from dataclasses import dataclass

import numpy as np

from spikelearn.errors import InputError

ROWS = 1000  # scaled at a time, so that float64 numbers of large float32 sets are never held at once


@dataclass(frozen=True, eq=False)
class Scaling:
    """The numbers that become 0 and 1 in each column.

    Attributes
    ----------
    low, high : (columns,) float64 arrays
    """

    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray) -> "Scaling":
        """Return the scaling that fits a training set, an (n, columns) array of finite numbers."""
        low, high = x.min(axis=0).astype(np.float64), x.max(axis=0).astype(np.float64)
        if low.min() >= 0 and high.max() <= 1:
            return cls(np.zeros_like(low), np.ones_like(high))
        return cls(low, high)

    def intensities(self, x: np.ndarray) -> np.ndarray:
        """Return intensities, (n, columns) float32, of as many rows."""
        half = self.high / 2 - self.low / 2  # of halves, the difference of the largest floats is finite, too
        varies = half > 0
        found = np.zeros(x.shape, np.float32)
        for at in range(0, len(x), ROWS):
            share = (x[at : at + ROWS, varies] / 2 - self.low[varies] / 2) / half[varies]
            found[at : at + ROWS, varies] = np.clip(share, 0, 1)
        return found


def check_finite(x: np.ndarray) -> None:
    """Raise `InputError` if a number is NaN or infinite; it says where."""
    bad = ~np.isfinite(x)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        value = str(x[row, column]).replace("nan", "NaN")
        raise InputError(
            f"X has {value} in row {row}, column {column}; every number must be finite: fill it in, for example with "
            f"sklearn.impute.SimpleImputer, or leave the row out"
        )
