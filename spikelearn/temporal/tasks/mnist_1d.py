"""MNIST-1D: ten strokes of 12 points, padded, stretched, moved and hidden in noise; 40 numbers, asked at the end.

Drawn anew for each batch rather than taken from the published file of 4,000, so that nothing can be learned by heart.
The templates and the ranges are the published ones: Greydanus & Kobak, arXiv:2011.14439 (2020); code under Apache 2.0.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import gaussian_filter1d

from spikelearn.ratenet.outputs import Output, Softmax
from spikelearn.temporal.task import Sequences, wrong_percent

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
SD = 0.15  # about that of the signals, which are divided by it


@dataclass(frozen=True, kw_only=True)
class Mnist1D:
    """Digits as signals of 40 numbers, one number a step."""

    length: int = field(default=40, init=False)
    n_in: int = field(default=1, init=False)
    n_out: int = field(default=10, init=False)
    output: Output = field(default_factory=Softmax, init=False)
    optimum: None = field(default=None, init=False)
    chance: float = field(default=math.log(10), init=False)
    quality: str = field(default="wrong (%)", init=False)

    def sequences(self, rng: np.random.Generator, batch: int) -> Iterator[Sequences]:
        """Yield batches of digits, moved, stretched and with noise."""
        scored = np.arange(self.length) == self.length - 1
        while True:
            digits = rng.integers(0, 10, batch)
            x = signals(digits, rng)
            target = np.broadcast_to(np.eye(10)[digits], (self.length, batch, 10))
            yield Sequences(x.T[:, :, None] / SD, target, scored)

    def judge(self, outputs: np.ndarray, shown: Sequences) -> float:
        """Return the percentage of wrong digits."""
        return wrong_percent(outputs, shown)


def signals(digits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a signal of 40 points for each digit, (n, 40)."""
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
