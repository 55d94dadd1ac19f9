r"""Angles between the errors of two learning rules, and means along training.

.. math:: \theta_k = \arccos \frac{a_k \cdot b_k}{|a_k|\,|b_k|}

Below 90 degrees a small step along `a` also descends what `b` descends (Guerguiev, Lillicrap & Richards 2017,
figure 7A). The changes of the weights are ``error x presynaptic average``, with the same average for both rules, so
the angle between the vectors of errors is also that between the matrices of changes.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from spikelearn.analysis.inputs import numbers
from spikelearn.errors import InputError, check_range


class Blocks(NamedTuple):
    """Means of stretches of a series.

    Parameters
    ----------
    stop : (blocks,) int64 array
        Number of examples up to the end of each block.
    mean, sem : (blocks,) float64 arrays
        Mean and its standard error, over the values that are numbers; NaN where there are none, or one.
    n : (blocks,) int64 array
        How many these are.
    """

    stop: np.ndarray
    mean: np.ndarray
    sem: np.ndarray
    n: np.ndarray


def angle(a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """Return the angle between each row of `a` and the same row of `b`.

    Parameters
    ----------
    a, b : (examples, neurons) float arrays
        Error vectors, in any unit: lengths do not matter.

    Returns
    -------
    (examples,) float64 array
        Degrees, 0 to 180; NaN where one of the two is zero and so has no direction.

    Raises
    ------
    InputError
        The shapes differ or are not (examples, neurons), or an entry is not finite.
    """
    a, b = numbers("a", a, "examples", "neurons"), numbers("b", b, "examples", "neurons")
    if a.shape != b.shape:
        raise InputError(f"a of shape {a.shape} and b of shape {b.shape} must have the same shape (examples, neurons)")
    return row_angles(a, b)


def row_angles(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return `angle` without looking whether it is meaningful: NaN also where a row is not finite."""
    a, b = _unit(np.asarray(a, np.float64)), _unit(np.asarray(b, np.float64))
    # The arc cosine loses half of the digits near 0 and 180 degrees; this form (Kahan) does not.
    return np.degrees(2 * np.arctan2(np.linalg.norm(a - b, axis=1), np.linalg.norm(a + b, axis=1)))


def block_means(values: ArrayLike, size: int) -> Blocks:
    """Average a series over consecutive stretches of `size` examples; what is left over makes a shorter one.

    NaN are left out. The standard error takes examples as independent. Those of one training are not quite: weights
    change slowly, so it says how well the mean of this run is known, not how runs differ.

    Parameters
    ----------
    values : (examples,) float array
        Such as the angles of one layer, in the order of training.
    size : int
        Examples in a block.

    Returns
    -------
    Blocks
        Mean, standard error and number of values of each block.

    Raises
    ------
    InputError
        `values` does not have one axis, or `size` is below 1.
    """
    values = numbers("values", values, "examples", finite=False)
    check_range("size", size, at_least=1, integer=True)
    starts = np.arange(0, len(values), size)
    known = ~np.isnan(values)
    n = np.add.reduceat(known.astype(np.int64), starts)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.add.reduceat(np.where(known, values, 0), starts) / n
        # Deviations from the block's mean, not a difference of squares: that would cancel.
        deviation = np.where(known, values - np.repeat(mean, size)[: len(values)], 0)
        sem = np.sqrt(np.add.reduceat(deviation**2, starts) / (n - 1) / n)
    return Blocks(np.minimum(starts + size, len(values)), mean, sem, n)


def running_mean(values: ArrayLike, window: int) -> np.ndarray:
    """Average each value with the `window` - 1 before it.

    Parameters
    ----------
    values : (examples, ...) float array
        Numbers, or matrices: with the products of Jacobians it gives the running U of figure 5, supplement 1.
    window : int
        Examples; the paper takes 100.

    Returns
    -------
    (examples - window + 1, ...) float64 array
        NaN where the window holds one.

    Raises
    ------
    InputError
        `values` is a single number, or `window` is not within 1 and the number of examples.
    """
    values = np.asarray(values, np.float64)
    if values.ndim == 0:
        raise InputError("values is a single number; must be of shape (examples, ...)")
    check_range("window", window, at_least=1, at_most=len(values), integer=True, unit="(examples in values)")
    return np.lib.stride_tricks.sliding_window_view(values, window, axis=0).mean(axis=-1)


def _unit(rows: np.ndarray) -> np.ndarray:
    """Return the rows at length 1, or NaN; first by the largest entry, as squares of small ones would underflow."""
    with np.errstate(invalid="ignore", divide="ignore"):
        rows = rows / np.abs(rows).max(axis=1, keepdims=True)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)
