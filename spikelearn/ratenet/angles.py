"""Angles, in degrees and signed: 180 is the opposite direction, which an absolute value would hide."""

from collections.abc import Sequence

import numpy as np

from spikelearn.analysis.angles import row_angles


def angle(first: np.ndarray, second: np.ndarray) -> float:
    """Return the angle between two arrays, taken as vectors; NaN where one of them is zero or not finite."""
    return float(row_angles(first.reshape(1, -1), second.reshape(1, -1))[0])


def mean_angles(first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> tuple[float, ...]:
    """Return for each layer the mean over examples of the angle between rows; NaN where no example has one."""
    found = []
    for one, other in zip(first, second, strict=True):
        degrees = row_angles(one, other)
        known = degrees[~np.isnan(degrees)]
        found.append(float(known.mean()) if len(known) else float("nan"))
    return tuple(found)
