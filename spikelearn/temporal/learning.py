"""The loop over sequences: `learn` yields what was measured now and then. Nothing is printed or saved here."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from spikelearn.errors import InputError, NotFiniteError, check_range
from spikelearn.ratenet.optimisers import Optimiser
from spikelearn.ratenet.streams import stream
from spikelearn.stopped import Unbroken
from spikelearn.temporal.network import Network, outputs
from spikelearn.temporal.rule import Rule, State
from spikelearn.temporal.task import Sequences, Task
from spikelearn.temporal.weights import Weights

__all__ = ["DivergedError", "Point", "Training", "learn"]


@dataclass(frozen=True, kw_only=True)
class Training:
    """How gradients become steps.

    Parameters
    ----------
    recurrent, readout : Optimiser
        Optimisers of the two weight matrices. A noisy gradient needs a small rate, at which the readout would hardly
        learn.
    batch : int
        Number of sequences side by side.
    online : bool
        Change weights whenever the rule has a complete gradient, as an organism must; else once at the end of a
        sequence.

    Raises
    ------
    InputError
        `batch` is below 1.
    """

    recurrent: Optimiser
    readout: Optimiser
    batch: int = 1
    online: bool = True

    def __post_init__(self) -> None:
        check_range("Training.batch", self.batch, at_least=1, integer=True)


class DivergedError(NotFiniteError):
    """A weight or an output became NaN or infinite.

    Parameters
    ----------
    step : int
        Number of steps of time after which that was found.
    """

    def __init__(self, step: int) -> None:
        super().__init__(f"diverged at step {step}: weights or outputs are not finite; lower the rate")
        self.step = step


@dataclass(frozen=True)
class Point:
    """Measurements since the point before.

    Parameters
    ----------
    step : int
        Number of steps of time so far; those of a batch count once.
    loss : float
        Mean loss of a scored step, before weights learned from its sequence (with `online`: from its future).
    quality : float
        Mean over sequences of the task's `judge`, in the unit of its `quality`.
    seconds : float
        Time of training, seconds.
    state : State
        The network as it is now; it changes with the next point.
    """

    step: int
    loss: float
    quality: float
    seconds: float
    state: State


def begin(network: Network, rule: Rule, seed: int) -> State:
    """Return a network before it learns: weights and the rule's own arrays drawn from `seed`."""
    rule.check(network)
    weights = network.draw(stream(seed, "weights"))
    fixed = rule.start(network, weights, stream(seed, "rule"))
    return State(network, weights, fixed, None, weights.zeros_like())


def check_fit(network: Any, task: Task) -> None:
    """Raise `InputError` unless a network has the inputs and outputs of a task."""
    have, need = (network.n_in, network.n_out), (task.n_in, task.n_out)
    if have != need or type(network.output) is not type(task.output):
        raise InputError(
            f"the network has {have[0]} inputs, {have[1]} outputs and {network.output}, but {type(task).__name__} "
            f"needs n_in={need[0]}, n_out={need[1]}, output={task.output}"
        )


class Loop:
    """A network that learns, one batch of sequences after the other."""

    def __init__(self, rule: Rule, state: State, training: Training, rng: np.random.Generator) -> None:
        self.rule, self.state, self.training, self.rng = rule, state, training, rng
        self.optimisers = training.recurrent, training.readout
        weights = state.weights
        self.missing = ~state.weights.free
        self.sparse = bool(self.missing.any())
        self.moments = [
            optimiser.start(array.size, array.dtype)
            for optimiser, array in zip(self.optimisers, weights[:2], strict=True)
        ]

    def sequence(self, shown: Sequences) -> np.ndarray:
        """Learn from a batch of sequences; return the outputs at scored steps, (scored steps, batch, outputs)."""
        found, end = [], len(shown.x)
        for t, (complete, answer) in enumerate(walk(self.rule, self.state, shown, self.rng)):
            if answer is not None:
                found.append(answer)
            if (complete and self.training.online) or t == end:
                self._update()
        return np.array(found)

    def _update(self) -> None:
        weights, gradient = self.state.weights, self.state.gradient
        if self.sparse:
            gradient.recurrent[self.missing] = 0
        for optimiser, moments, w, g in zip(self.optimisers, self.moments, weights[:2], gradient[:2], strict=True):
            w -= optimiser.steps(moments, g.reshape(-1)).reshape(w.shape)
            g[:] = 0


def walk(
    rule: Rule, state: State, shown: Sequences, rng: np.random.Generator
) -> Iterator[tuple[bool, np.ndarray | None]]:
    """Go through a batch of sequences; gradients add up in ``state.gradient``.

    Yields after each step whether the recurrent gradient is complete, and the outputs where the step is scored, else
    None; once more after the end. Whoever iterates may change the weights in between.
    """
    network = state.network
    state.memory = rule.begin(state, shown.x.shape[1])
    activity = network.rest(shown.x.shape[1])
    for t, scored in enumerate(shown.scored):
        step = network.advance(state.weights, activity, shown.x[t])
        activity, answer, error = step.state, None, None
        if scored:
            answer = outputs(network, state.weights, step.sent)
            error = network.output.error(answer, shown.target[t])
            add_readout(state.gradient, error, step.sent)
        yield rule.step(state, step, error, rng), answer
    yield rule.finish(state), None


def gradients(rule: Rule, state: State, shown: Sequences, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield the recurrent gradient that a rule emits at each step, and at the end; weights stay as they are."""
    for _ in walk(rule, state, shown, rng):
        yield state.gradient.recurrent.copy()
        state.gradient.recurrent[...] = 0


def add_readout(gradient: Weights, error: np.ndarray, sent: np.ndarray) -> None:
    """Add the gradient of the readout, which every rule shares: the delta rule."""
    share = error / len(error)
    gradient.readout[:, :-1] += share.T @ sent
    gradient.readout[:, -1] += share.sum(axis=0)


def evaluate(state: State, task: Task, shown: Sequences) -> float:
    """Return what the task's `judge` says of sequences from which nothing is learned."""
    network, weights, found = state.network, state.weights, []
    activity = network.rest(shown.x.shape[1])
    for t, scored in enumerate(shown.scored):
        step = network.advance(weights, activity, shown.x[t])
        activity = step.state
        if scored:
            found.append(outputs(network, weights, step.sent))
    return task.judge(np.array(found), shown)


def learn(
    network: Network, rule: Rule, task: Task, training: Training, *, seed: int, steps: int, every: int
) -> Iterator[Point]:
    """Train a network by a rule, and measure after about `every` steps, at the end of a sequence.

    The same arguments give the same bits: BLAS is given one thread, with which small products are quicker, too, as soon
    as anything runs beside.

    Parameters
    ----------
    network : Network
        Which network learns.
    rule : Rule
        How it assigns credit.
    task : Task
        Source of the sequences.
    training : Training
        How gradients become steps.
    seed : int
        Fixes weights, sequences and all that the rule draws.
    steps : int
        Least number of steps of time; the last sequence is finished.
    every : int
        Number of steps of time from one measurement to the next.

    Returns
    -------
    iterator of Point
        One measurement after each stretch.

    Raises
    ------
    InputError
        Network, rule and task do not fit each other.
    DivergedError
        While iterating: a weight or an output became NaN or infinite.
    """
    check_range("seed", seed, at_least=0, integer=True)
    check_range("steps", steps, at_least=1, integer=True)
    check_range("every", every, at_least=1, integer=True)
    check_fit(network, task)
    rule.check(network)
    return Unbroken("this training", _points(network, rule, task, training, seed, steps, every))


def _points(
    network: Network, rule: Rule, task: Task, training: Training, seed: int, steps: int, every: int
) -> Iterator[Point]:
    state = begin(network, rule, seed)
    loop = Loop(rule, state, training, stream(seed, "learning"))
    losses: list[float] = []
    qualities: list[float] = []
    done, next_point, seconds, threads = 0, every, 0.0, ThreadpoolController()
    for shown in task.sequences(stream(seed, "sequences"), training.batch):
        began = time.perf_counter()
        with threads.limit(limits=1), np.errstate(over="ignore", invalid="ignore"):  # divergence is found below
            answers = loop.sequence(shown)
        seconds += time.perf_counter() - began
        done += len(shown.x)
        if not all(np.isfinite(array).all() for array in (answers, *state.weights[:2])):
            raise DivergedError(done)
        target, n_out = shown.target[shown.scored], task.n_out
        losses.append(float(task.output.loss(answers.reshape(-1, n_out), target.reshape(-1, n_out)).mean()))
        qualities.append(task.judge(answers, shown))
        if done >= min(next_point, steps):
            yield Point(done, float(np.mean(losses)), float(np.mean(qualities)), seconds, state)
            losses, qualities, seconds, next_point = [], [], 0.0, done - done % every + every
        if done >= steps:
            return
