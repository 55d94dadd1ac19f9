"""MNIST-1D: ten strokes of 12 points, padded, stretched, moved and hidden in noise; 40 numbers.

The templates and the ranges are the published ones: Greydanus & Kobak, arXiv:2011.14439 (2020); code under Apache 2.0.
The signals are drawn here, 4,000 to train and 1,000 to test as published. There a logistic regression gets 32 % right,
a network with hidden layers 68 %. `spikelearn.temporal.tasks.Mnist1D` shows such signals point by point.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from spikelearn.datasets.dataset import Dataset
from spikelearn.examples import Images

# The digits 0 to 9 as heights of a stroke at 12 points.
TEMPLATES = np.array(
    [
        [5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5],
        [5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5],
        [5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5],
        [5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5],
        [5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5],
        [5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5],
        [5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5],
        [5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5],
        [5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5],
        [5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5],
    ]
)
PADDING = 36, 60  # zeros after the stroke, before all is stretched to the length with the most
SCALE, SHEAR = 0.4, 0.75  # ranges, centred
SHIFT = 48  # positions to the right, at most
SMOOTH_NOISE, NOISE = 0.25, 0.02  # SD, the first before smoothing over 2 points

N_TRAIN, N_TEST = 4000, 1000
SEED = 2020
LARGEST = 0.75  # no signal of the set goes beyond it; it has the intensity 1, 0 has 0.5, and its negative 0
DECIMALS = 4  # of an intensity, so that processors that round otherwise come to the same numbers


def load(folders: Iterable[str | Path] = ()) -> Dataset:
    """Draw the signals, always the same ones, of each digit as many; `folders` are not searched."""
    parts = {}
    for part, (which, n) in enumerate({"train": N_TRAIN, "test": N_TEST}.items()):
        y = np.arange(n) % 10
        x = 0.5 + signals(y, np.random.default_rng([SEED, part])) / (2 * LARGEST)
        parts[which] = Images(x=x.round(DECIMALS), y=y, n_classes=10, name=f"mnist-1d {which}")
    return Dataset(name="mnist-1d", **parts)


def states() -> list[str]:
    """Return where it comes from."""
    return ["drawn here, always the same signals"]


def signals(digits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a signal of 40 points for each digit, (n, 40)."""
    from scipy.ndimage import gaussian_filter1d  # slow to import

    strokes = TEMPLATES - TEMPLATES.mean(axis=1, keepdims=True)
    strokes /= strokes.std(axis=1, keepdims=True)
    strokes -= strokes[:, :1]  # they begin and end at 0
    strokes /= 6
    longest = strokes.shape[1] + PADDING[1]
    found = np.empty((len(digits), 40))
    position = np.linspace(0, 1, longest)
    for row, digit in enumerate(digits):
        padding = rng.integers(PADDING[0], PADDING[1] + 1)
        padded = np.concatenate([strokes[digit], np.zeros(padding)])
        signal = np.interp(position, np.linspace(0, 1, len(padded)), padded)
        on = np.interp(position, np.linspace(0, 1, len(padded)), np.arange(len(padded)) < strokes.shape[1]) > 0
        signal *= 1 + SCALE * (rng.random() - 0.5)
        shift = rng.integers(SHIFT)
        signal, on = np.roll(signal, shift), np.roll(on, shift)
        signal = np.where(on, signal, gaussian_filter1d(SMOOTH_NOISE * rng.standard_normal(longest), 2))
        signal += NOISE * rng.standard_normal(longest)
        signal -= SHEAR * (rng.random() - 0.5) * np.linspace(-0.5, 0.5, longest)
        found[row] = np.interp(np.linspace(0, 1, 40), position, signal)
    return found
