"""The adding problem: a number at each step, two of them marked, and at the end their sum.

One mark lies in each half of the sequence. The loss is half the squared error, so the best constant, 1, has 1/12.
Source: Hochreiter & Schmidhuber, Neural Computation 9:1735 (1997), experiment 4.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from spikelearn.errors import check_range
from spikelearn.ratenet.outputs import LinearOutput, Output
from spikelearn.temporal.task import Sequences


@dataclass(frozen=True, kw_only=True)
class Adding:
    """Two marked numbers to add.

    Parameters
    ----------
    length : int
        Number of steps of a sequence.
    """

    length: int = 30
    n_in: int = field(default=2, init=False)
    n_out: int = field(default=1, init=False)
    output: Output = field(default_factory=LinearOutput, init=False)
    optimum: float = field(default=0.0, init=False)
    chance: float = field(default=1 / 12, init=False)
    quality: str = field(default="squared error / variance", init=False)

    def __post_init__(self) -> None:
        check_range("Adding.length", self.length, at_least=2, integer=True)

    def sequences(self, rng: np.random.Generator, batch: int) -> Iterator[Sequences]:
        """Yield batches of numbers, uniform in 0 to 1, with two marks each."""
        half = self.length // 2
        scored = np.arange(self.length) == self.length - 1
        rows = np.arange(batch)
        while True:
            numbers, marks = rng.random((self.length, batch)), np.zeros((self.length, batch))
            marks[rng.integers(0, half, batch), rows] = 1
            marks[rng.integers(half, self.length, batch), rows] = 1
            target = np.zeros((self.length, batch, 1))
            target[-1, :, 0] = (numbers * marks).sum(axis=0)
            yield Sequences(np.stack([numbers, marks], axis=2), target, scored)

    def judge(self, outputs: np.ndarray, shown: Sequences) -> float:
        """Return the squared error as a fraction of the sums' variance."""
        return float(np.square(outputs - shown.target[shown.scored]).mean()) / (2 * self.chance)
