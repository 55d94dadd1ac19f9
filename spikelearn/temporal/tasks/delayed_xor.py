"""Delayed exclusive or: of two bits, half a sequence apart, say at the end whether they differ.

Inputs are the bit (-1 or 1, else 0) and a cue at the last step, which alone is scored. Each bit by itself says nothing,
so without credit for the first one the error is 50 %. A random network that happens to keep both may do without:
always compare with the readout-only control.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from spikelearn.errors import check_range
from spikelearn.ratenet.outputs import Output, Softmax
from spikelearn.temporal.task import Sequences, wrong_percent


@dataclass(frozen=True, kw_only=True)
class DelayedXor:
    """Two bits to combine. No source: a common task of this kind.

    Parameters
    ----------
    length : int
        Number of steps of a sequence, at least 4.
    """

    length: int = 20
    n_in: int = field(default=2, init=False)
    n_out: int = field(default=2, init=False)
    output: Output = field(default_factory=Softmax, init=False)
    optimum: float = field(default=0.0, init=False)
    chance: float = field(default=math.log(2), init=False)
    quality: str = field(default="wrong (%)", init=False)

    def __post_init__(self) -> None:
        check_range("DelayedXor.length", self.length, at_least=4, integer=True)

    def sequences(self, rng: np.random.Generator, batch: int) -> Iterator[Sequences]:
        """Yield batches of two bits."""
        scored = np.arange(self.length) == self.length - 1
        while True:
            bits = rng.integers(0, 2, (2, batch))
            x = np.zeros((self.length, batch, 2))
            x[0, :, 0], x[self.length // 2, :, 0] = 2 * bits - 1
            x[-1, :, 1] = 1
            target = np.zeros((self.length, batch, 2))
            target[-1] = np.eye(2)[bits[0] ^ bits[1]]
            yield Sequences(x, target, scored)

    def judge(self, outputs: np.ndarray, shown: Sequences) -> float:
        """Return the percentage of wrong answers."""
        return wrong_percent(outputs, shown)
