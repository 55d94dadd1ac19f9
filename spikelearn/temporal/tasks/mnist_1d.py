"""MNIST-1D: a stroke of 40 numbers hidden in noise; the digit is asked at the end. See `spikelearn.datasets.mnist_1d`.

Drawn anew for each batch rather than taken from a set of 4,000, so that nothing can be learned by heart.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from spikelearn.datasets.mnist_1d import signals
from spikelearn.ratenet.outputs import Output, Softmax
from spikelearn.temporal.task import Sequences, wrong_percent

SD = 0.15  # about that of the signals, which are divided by it


@dataclass(frozen=True, kw_only=True)
class Mnist1D:
    """Digits as signals of 40 numbers, one number a step (Greydanus & Kobak, arXiv:2011.14439, 2020)."""

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
