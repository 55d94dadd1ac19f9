"""Yin-yang: points in the sign of that name, four inputs and three classes; small, and not linearly separable.

Kriener, Göltz & Petrovici, arXiv:2102.08211 (2021), whose sizes and lengths these are; the points are drawn here. In a
disc of radius 0.5 each half has a dot of radius 0.1 in the middle of its head. A point's class is yin (0), yang (1) or
dot (2), and all three are equally likely. The inputs are x, y, 1 - x and 1 - y, whose sum is the same for all points.

A network without hidden layers gets about 64 % right, with one about 98 %, as published.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from spikelearn.datasets.dataset import Dataset
from spikelearn.examples import Images

DISC, DOT = 0.5, 0.1  # radii
N_TRAIN, N_TEST = 5000, 1000
SEED = 2021


def load(folders: Iterable[str | Path] = ()) -> Dataset:
    """Draw the points, always the same ones; `folders` are not searched."""
    parts = {}
    for part, (which, n) in enumerate({"train": N_TRAIN, "test": N_TEST}.items()):
        x, y = points(n, np.random.default_rng([SEED, part]))
        parts[which] = Images(x=x, y=y, n_classes=3, name=f"yin-yang {which}")
    return Dataset(name="yin-yang", **parts)


def states() -> list[str]:
    """Return where it comes from."""
    return ["drawn here, always the same points"]


def points(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw `n` points and their classes, (n, 4) float64 in 0..1 and (n,) int64."""
    y = rng.integers(3, size=n)
    place = np.empty((n, 2))
    missing = np.arange(n)
    while len(missing):  # one try for each: it stays if it is of the class wanted
        tried = rng.random((len(missing), 2))
        fits = classes(tried) == y[missing]
        place[missing[fits]] = tried[fits]
        missing = missing[~fits]
    return np.concatenate([place, 1 - place], axis=1), y


def classes(place: np.ndarray) -> np.ndarray:
    """Return the class of each point, an (n, 2) array of x and y: 0, 1 or 2, and -1 outside of the disc."""

    def distance(x: float) -> np.ndarray:
        return np.hypot(place[:, 0] - x, place[:, 1] - DISC)

    middle, left, right = (distance(share * DISC) for share in (1, 0.5, 1.5))
    upper = place[:, 1] > DISC
    yin = (left <= DISC / 2) | (upper & (right > DISC / 2))  # the upper half, but for the head of yang
    found = np.where(yin, 0, 1)
    found[(left <= DOT) | (right <= DOT)] = 2
    found[middle > DISC] = -1
    return found
