r"""Pattern generation: from spikes that are the same every time, make a sum of four sines.

Inputs are frozen Poisson spikes; periods are 1000, 500, 333 and 200 ms, amplitudes uniform in 0.5 to 2, phases random,
the largest value is 1. The loss is half the squared error. One task has one pattern: it follows from the seed.
Source: Bellec et al., Nature Communications 11:3625 (2020), Supplementary Figure 1 and code.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from spikelearn.errors import check_range
from spikelearn.ratenet.outputs import LinearOutput, Output
from spikelearn.temporal.task import Sequences

PERIODS = np.array([1000.0, 500.0, 333.0, 200.0])  # ms


@dataclass(frozen=True, kw_only=True)
class PatternGeneration:
    """One pattern to generate from one set of input spikes.

    Parameters
    ----------
    length : int
        Number of steps of 1 ms.
    n_in : int
        Number of inputs.
    rate : float
        Rate of each input, spikes/ms.
    """

    length: int = 1000
    n_in: int = 100
    rate: float = 0.05
    n_out: int = field(default=1, init=False)
    output: Output = field(default_factory=LinearOutput, init=False)
    optimum: float = field(default=0.0, init=False)
    chance: None = field(default=None, init=False)
    quality: str = field(default="squared error / variance", init=False)

    def __post_init__(self) -> None:
        check_range("PatternGeneration.length", self.length, at_least=2, integer=True)
        check_range("PatternGeneration.n_in", self.n_in, at_least=1, integer=True)
        check_range("PatternGeneration.rate", self.rate, above=0, at_most=1, unit="spikes/ms")

    def sequences(self, rng: np.random.Generator, batch: int) -> Iterator[Sequences]:
        """Draw the pattern once, and yield it without end."""
        x = (rng.random((self.length, 1, self.n_in)) < self.rate).astype(float)
        size, phase = rng.uniform(0.5, 2, 4), rng.uniform(0, 2 * np.pi, 4)
        wave = (size * np.sin(2 * np.pi * np.arange(self.length)[:, None] / PERIODS + phase)).sum(axis=1)
        wave /= abs(wave).max()
        shown = Sequences(
            np.repeat(x, batch, axis=1),
            np.repeat(wave[:, None, None], batch, axis=1),
            np.ones(self.length, bool),
        )
        while True:
            yield shown

    def judge(self, outputs: np.ndarray, shown: Sequences) -> float:
        """Return the squared error as a fraction of the pattern's variance: 1 for its mean."""
        return float(np.square(outputs - shown.target).sum() / (shown.target.var() * shown.target.size))
