"""What a task is: sequences by the batch, drawn from a generator, and how well they can be done."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np

from spikelearn.ratenet.outputs import Output


class Sequences(NamedTuple):
    """A batch of sequences of equal length.

    Attributes
    ----------
    x : (steps, batch, inputs) array
    target : (steps, batch, outputs) array
        What the outputs should be; anything where a step is not scored.
    scored : (steps,) bool array
        Steps whose outputs count.
    """

    x: np.ndarray
    target: np.ndarray
    scored: np.ndarray


class Task(Protocol):
    """Sequences to learn, a frozen dataclass of numbers.

    Attributes
    ----------
    n_in, n_out : int
    output : Output
        Function and loss of the outputs.
    optimum : float or None
        The least mean loss of a scored step that anything can reach; None where it is not known.
    chance : float or None
        That of the best constant output, which remembers nothing.
    quality : str
        Name and unit of what `judge` returns.
    """

    @property
    def n_in(self) -> int: ...  # noqa: D102
    @property
    def n_out(self) -> int: ...  # noqa: D102
    @property
    def output(self) -> Output: ...  # noqa: D102
    @property
    def optimum(self) -> float | None: ...  # noqa: D102
    @property
    def chance(self) -> float | None: ...  # noqa: D102
    @property
    def quality(self) -> str: ...  # noqa: D102

    def sequences(self, rng: np.random.Generator, batch: int) -> Iterator[Sequences]:
        """Yield batches without end."""

    def judge(self, outputs: np.ndarray, shown: Sequences) -> float:
        """Return how bad outputs, (scored steps, batch, outputs), are, in the unit of `quality`."""


def wrong_percent(outputs: np.ndarray, shown: Sequences) -> float:
    """Return the percentage of scored steps at which the largest output is not the largest target."""
    target = shown.target[shown.scored]
    return 100 * float((outputs.argmax(axis=2) != target.argmax(axis=2)).mean())
