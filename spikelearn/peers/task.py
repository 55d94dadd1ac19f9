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
    """What a peer is timed on.

    Parameters
    ----------
    model : Model
        Its rule is taken to be the plateau rule.
    weights : Weights
        To start from.
    images : Images
        Shown in their order, again from the first after the last.
    examples, test_images : int
        How many are timed in training and in testing.
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
        """Return intensities, (n, n_inputs) float32, and labels, (n,) int64, of the first `n` examples."""
        index = np.arange(n) % len(self.images)
        return self.images.intensities(index), self.images.y[index]


class Times(NamedTuple):
    """How long a peer took."""

    settings: dict[str, Any]
    train_ms: float  # an example
    test_ms: float  # an image
    compile_s: float  # before the first step
    peak_memory_mb: float | None  # of the process


def apart(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function in a new process: its memory is counted by itself, and what it changes ends with it.

    Raises
    ------
    Unavailable
        The process died. Exceptions of the function come as they are.
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
