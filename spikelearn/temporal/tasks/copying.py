"""The copy task: remember some symbols through a delay, then say them.

Inputs and outputs are one of `symbols` + 2, a blank and a cue among them. Every step is scored; until the cue the
answer is blank. What remembers nothing says blank, then guesses: its mean loss is ``items ln(symbols) / length``.
Source: Hochreiter & Schmidhuber (1997), in the form of Arjovsky, Shah & Bengio, arXiv:1511.06464.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from spikelearn.errors import check_range
from spikelearn.ratenet.outputs import Output, Softmax
from spikelearn.temporal.task import Sequences


@dataclass(frozen=True, kw_only=True)
class Copying:
    """Symbols to repeat.

    Parameters
    ----------
    symbols : int
        Number of different symbols.
    items : int
        Number of symbols to remember.
    delay : int
        Number of steps between the last item and the first answer; at the last of them is the cue.
    """

    symbols: int = 8
    items: int = 3
    delay: int = 5
    output: Output = field(default_factory=Softmax, init=False)
    optimum: float = field(default=0.0, init=False)
    quality: str = field(default="items wrong (%)", init=False)

    def __post_init__(self) -> None:
        check_range("Copying.symbols", self.symbols, at_least=2, integer=True)
        check_range("Copying.items", self.items, at_least=1, integer=True)
        check_range("Copying.delay", self.delay, at_least=1, integer=True)

    @property
    def n_in(self) -> int:
        """Number of inputs: symbols, blank and cue."""
        return self.symbols + 2

    n_out = n_in

    @property
    def length(self) -> int:
        """Number of steps of a sequence."""
        return 2 * self.items + self.delay

    @property
    def chance(self) -> float:
        """Mean loss without memory, nats."""
        return self.items * math.log(self.symbols) / self.length

    def sequences(self, rng: np.random.Generator, batch: int) -> Iterator[Sequences]:
        """Yield batches of symbols."""
        blank, cue = self.symbols, self.symbols + 1
        one_hot, scored = np.eye(self.n_in), np.ones(self.length, bool)
        while True:
            items = rng.integers(0, self.symbols, (self.items, batch))
            given = np.full((self.length, batch), blank)
            given[: self.items] = items
            given[self.items + self.delay - 1] = cue
            wanted = np.full((self.length, batch), blank)
            wanted[-self.items :] = items
            yield Sequences(one_hot[given], one_hot[wanted], scored)

    def judge(self, outputs: np.ndarray, shown: Sequences) -> float:
        """Return the percentage of items that are repeated wrongly."""
        answers, items = outputs[-self.items :], shown.target[-self.items :]
        return 100 * float((answers.argmax(axis=2) != items.argmax(axis=2)).mean())
