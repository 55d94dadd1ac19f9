"""Angles, in degrees and signed: 180 is the opposite direction, which an absolute value would hide."""

from collections.abc import Sequence

import numpy as np


def angle(first: np.ndarray, second: np.ndarray) -> float:
    """Return the angle between two arrays, taken as vectors; NaN where one of them is zero."""
    return float(angles(first.reshape(1, -1), second.reshape(1, -1))[0])


def angles(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the angle between the rows of two (n, units) arrays; (n,) float64, NaN where a row is zero."""
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    product = np.einsum("ij,ij->i", first, second)
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    cosine = np.divide(product, lengths, out=np.full(len(product), np.nan), where=lengths > 0)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def mean_angles(first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> tuple[float, ...]:
    """Return for each layer the mean over examples of the angle between rows; NaN where no example has one."""
    found = []
    for one, other in zip(first, second, strict=True):
        degrees = angles(one, other)
        known = degrees[~np.isnan(degrees)]
        found.append(float(known.mean()) if len(known) else float("nan"))
    return tuple(found)
