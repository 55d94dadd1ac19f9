"""What peers are timed on, how long they took, and the steps of their trials."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, NamedTuple, TypeVar

import numpy as np

from spikelearn.errors import InputError
from spikelearn.examples import Images
from spikelearn.learning import Plateau
from spikelearn.model import Model
from spikelearn.phases import STEPS, Phases
from spikelearn.units import ms
from spikelearn.weights import Weights

DT = 1.0 * ms

T = TypeVar("T")


class Unavailable(Exception):
    """A peer cannot run here; the message says why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """Network, images and numbers of examples on which a peer is timed.

    Parameters
    ----------
    model : Model
        Network and learning rates; its rule is taken to be the plateau rule.
    weights : Weights
        Weights at the start.
    images : Images
        Examples, shown in their order, again from the first after the last.
    examples, test_images : int
        Number of examples that are timed in training and in testing.

    Raises
    ------
    InputError
        The network does not learn as in the paper.
    """

    model: Model
    weights: Weights
    images: Images
    examples: int
    test_images: int

    def __post_init__(self) -> None:
        rule = self.model.rule
        if self.model.network.output.loss != "squares" or (isinstance(rule, Plateau) and rule.gate > 0):
            raise InputError("peers learn as in the paper: give them Plateau() and OutputNeuron.loss='squares'")

    def shown(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Return intensities and labels of the first examples.

        Parameters
        ----------
        n : int
            Number of examples.

        Returns
        -------
        intensities : (n, n_inputs) float32 array
            Intensities, 0..1.
        labels : (n,) int64 array
            Classes.
        """
        index = np.arange(n) % len(self.images)
        return self.images.intensities(index), self.images.y[index]


class Times(NamedTuple):
    """Times that a peer took.

    Parameters
    ----------
    settings : dict
        Settings and versions of the peer, by name.
    train_ms : float
        Time for a training example, ms.
    test_ms : float
        Time for a test image, ms.
    compile_s : float
        Time before the first step, seconds.
    peak_memory_mb : float or None
        Largest memory of the process, MB; None where the system does not say.
    """

    settings: dict[str, Any]
    train_ms: float
    test_ms: float
    compile_s: float
    peak_memory_mb: float | None


def apart(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function in a new process: its memory is counted by itself, and its side effects end with it.

    Parameters
    ----------
    function : callable
        A function that can be pickled.
    *arguments : object
        Its arguments.

    Returns
    -------
    object
        What the function returns.

    Raises
    ------
    Unavailable
        The process died. Exceptions of the function are raised as they are.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(function, *arguments).result()
        except BrokenProcessPool as error:
            raise Unavailable("its process was killed, perhaps for want of memory; time a smaller network") from error


def phase_steps(phases: Phases, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Draw the steps of both phases of a training example; return those and the steps that are averaged."""
    if phases.order != STEPS:
        raise InputError(f"peers know a forward phase, a target phase and learning, not Phases.order={phases.order}")
    lengths = round(phases.minimum / DT) + (rng.wald(phases.extra_mean, phases.extra_shape, 2) / DT).astype(int)
    return [(int(n), round((n * DT - phases.settle if phases.window is None else phases.window) / DT)) for n in lengths]


def image_steps(phases: Phases) -> tuple[int, int]:
    """Return the steps of a test image, and those that are averaged."""
    return round(phases.test / DT), round((phases.test - phases.settle) / DT)
