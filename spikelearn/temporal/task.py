"""What a task is: sequences by the batch, drawn from a generator, and how well they can be done."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np

from spikelearn.ratenet.outputs import Output

__all__ = ["Sequences", "Task"]


class Sequences(NamedTuple):
    """A batch of sequences of equal length.

    Parameters
    ----------
    x : (steps, batch, inputs) array
        Inputs at each step.
    target : (steps, batch, outputs) array
        Wanted outputs; without meaning where a step is not scored.
    scored : (steps,) bool array
        Steps whose outputs count.
    """

    x: np.ndarray
    target: np.ndarray
    scored: np.ndarray


class Task(Protocol):
    """Contract of a source of sequences to learn.

    A task is a frozen dataclass of numbers. Making one with a number out of its range raises `InputError`.
    """

    @property
    def n_in(self) -> int:
        """Number of inputs."""

    @property
    def n_out(self) -> int:
        """Number of outputs."""

    @property
    def output(self) -> Output:
        """Function and loss of the outputs."""

    @property
    def optimum(self) -> float | None:
        """Least mean loss of a scored step that is possible; None where it is not known."""

    @property
    def chance(self) -> float | None:
        """Mean loss of a scored step of the best constant output; None where it is not known."""

    @property
    def quality(self) -> str:
        """Name and unit of what `judge` returns."""

    def sequences(self, rng: np.random.Generator, batch: int) -> Iterator[Sequences]:
        """Yield batches of sequences without end.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of the draws.
        batch : int
            Number of sequences side by side.

        Yields
        ------
        Sequences
            A batch.
        """

    def judge(self, outputs: np.ndarray, shown: Sequences) -> float:
        """Return how bad outputs are, in the unit of `quality`.

        Parameters
        ----------
        outputs : (scored steps, batch, outputs) array
            Outputs of a network.
        shown : Sequences
            The batch that it received.

        Returns
        -------
        float
            0 if all is right.
        """


def wrong_percent(outputs: np.ndarray, shown: Sequences) -> float:
    """Return the percentage of scored steps at which the largest output is not the largest target."""
    target = shown.target[shown.scored]
    return 100 * float((outputs.argmax(axis=2) != target.argmax(axis=2)).mean())
