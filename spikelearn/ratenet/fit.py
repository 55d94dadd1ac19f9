"""The loop over epochs: `fit` yields what was measured after each. Nothing is printed or saved here."""

import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from threadpoolctl import ThreadpoolController

from spikelearn.datasets import Dataset
from spikelearn.errors import InputError, NotFiniteError, check_kind, check_range
from spikelearn.examples import Images, images_of
from spikelearn.ratenet.angles import mean_angles
from spikelearn.ratenet.network import TEST_BATCH, RateNetwork
from spikelearn.ratenet.rule import Batch, Rule, State
from spikelearn.ratenet.streams import stream
from spikelearn.stopped import Unbroken

WHO = "rate networks"
N_ANGLE = 500  # test images over which angles are averaged


@dataclass(frozen=True)
class Epoch:
    """Measurements after a pass over the training images.

    Parameters
    ----------
    epoch : int
        Counted from 1.
    test_error : float
        Share of test images classified wrongly, percent.
    seconds : float
        Time of training in this epoch, seconds, without tests and angles.
    angle : tuple of float
        For each hidden layer, degrees between its teaching signal and backpropagation's for the same weights, the mean
        over 500 test images; NaN where the rule has no teaching signal.
    alignment : tuple of float
        For each hidden layer, degrees between its feedback weights and the transpose of the forward ones.
    state : State
        The network as it is now; it changes with the next epoch.
    """

    epoch: int
    test_error: float
    seconds: float
    angle: tuple[float, ...]
    alignment: tuple[float, ...]
    state: State


def fit(network: RateNetwork, rule: Rule, data: Dataset, *, seed: int, epochs: int = 5) -> Iterator[Epoch]:
    """Train a network by a rule and measure after each epoch.

    The same arguments give the same bits: BLAS is given one thread, with which small products are quicker, too, as soon
    as anything runs beside. Seeds side by side make better use of many processors.

    Parameters
    ----------
    network : RateNetwork
        ``rule.network(sizes)`` describes the one that a rule is meant for.
    rule : Rule
        How it learns.
    data : Dataset
        Images to learn from and to test on.
    seed : int
        Fixes weights, order and all that the rule draws.
    epochs : int
        Passes over the training images, each in an order of its own, in minibatches of ``rule.batch``, or of all
        images if there are fewer. The rest that does not fill one is left out; it is another one in each epoch.

    Returns
    -------
    iterator of Epoch
        One measurement after each pass over the training images.

    Raises
    ------
    InputError
        Network, rule and images do not fit each other.
    NotFiniteError
        While iterating: a weight or an output became NaN or infinite; the message names the epoch.
    """
    check_range("seed", seed, at_least=0, integer=True)
    check_range("epochs", epochs, at_least=1, integer=True)
    check_kind("network", network, RateNetwork, "make one with RateNetwork(sizes=...), or by rule.network(sizes)")
    check_kind("rule", rule, Rule, "rules of the registry are made by spikelearn.ratenet.entry(name)")
    check_kind("data", data, Dataset, "load one, or make it of two Images")
    check_fit(network.sizes, data)
    rule.check(network)
    check_memory(network, rule)
    return Unbroken("this training", _epochs(network, rule, data, seed, epochs))


def memory(network: RateNetwork, rule: Rule) -> int:
    """Return the bytes of all arrays that stay while a network learns; activities of a minibatch come on top.

    Parameters
    ----------
    network : RateNetwork
        Description of the network.
    rule : Rule
        How it learns.

    Returns
    -------
    int
        Weights, gradient, what the optimiser remembers, and what the rule keeps.
    """
    numbers = (2 + rule.optimiser.start(1, network.dtype).numbers) * network.numbers + rule.kept(network)
    return numbers * np.dtype(network.dtype).itemsize


def check_memory(network: RateNetwork, rule: Rule) -> None:
    """Raise `InputError` if a network and its rule need more memory than this computer has."""
    needed, there = memory(network, rule), _memory_there()
    if needed > there:
        raise InputError(
            f"{type(rule).__name__} would keep {needed / 2**30:.1f} GiB of arrays for sizes {network.sizes}, "
            f"this computer has {there / 2**30:.1f}; take fewer units"
        )


def _memory_there() -> float:
    """Return the bytes of memory of this computer; infinity where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return math.inf


def begin(network: RateNetwork, rule: Rule, seed: int) -> State:
    """Return a network before it learns: weights and the rule's own arrays drawn from `seed`."""
    parameters = network.draw(stream(seed, "weights"))
    memory = rule.start(network, parameters, stream(seed, "rule"))
    moments = rule.optimiser.start(len(parameters.flat), network.dtype)
    return State(network, parameters, memory, moments, parameters.zeros_like())


def _epochs(network: RateNetwork, rule: Rule, data: Dataset, seed: int, epochs: int) -> Iterator[Epoch]:
    state = begin(network, rule, seed)
    train, test = (images_of(part, WHO) for part in (data.train, data.test))
    shown = targets(test.first(min(N_ANGLE, len(test))), network)
    threads = ThreadpoolController()
    for epoch in range(epochs):
        with threads.limit(limits=1):
            seconds = _learn(rule, state, train, seed, epoch)
            measured = _measure(rule, state, test, shown, seed, epoch, seconds)
        yield measured


@np.errstate(over="ignore", invalid="ignore")  # divergence is found in `_measure`
def _learn(rule: Rule, state: State, images: Images, seed: int, epoch: int) -> float:
    """Train for an epoch; return the seconds it took."""
    order, rng = stream(seed, "order", epoch), stream(seed, "learning", epoch)
    batch = min(rule.batch, len(images))
    began = time.perf_counter()
    rule.prepare(state, lambda: minibatches(images, state.network, batch, order), epoch, rng)
    for part in minibatches(images, state.network, batch, order):
        rule.learn(state, part, rng)
    return time.perf_counter() - began


@np.errstate(over="ignore", invalid="ignore")
def _measure(rule: Rule, state: State, test: Images, shown: Batch, seed: int, epoch: int, seconds: float) -> Epoch:
    """Measure after an epoch; `NotFiniteError` if there is nothing to measure any more."""
    if not (np.isfinite(state.parameters.flat).all() and np.isfinite(rule.outputs(state, shown.x)).all()):
        raise NotFiniteError(f"diverged at epoch {epoch + 1}: weights or outputs are not finite; lower the rate")
    angle = (float("nan"),) * state.network.n_hidden
    teaching = rule.teaching(state, shown, stream(seed, "angle", epoch))
    if teaching is not None:  # the same draws for both
        angle = mean_angles(teaching, rule.reference(state, shown, stream(seed, "angle", epoch)))
    return Epoch(epoch + 1, error_on(rule, state, test), seconds, angle, rule.alignment(state), state)


def minibatches(images: Images, network: RateNetwork, batch: int, rng: np.random.Generator) -> Iterator[Batch]:
    """Yield one pass over the images in random order, in whole minibatches."""
    order = rng.permutation(len(images))
    one_hot = np.eye(network.sizes[-1], dtype=network.dtype)
    for at in range(0, len(images) - batch + 1, batch):
        index = order[at : at + batch]
        x = images.intensities(index)
        yield Batch(x.astype(network.dtype, copy=False), one_hot[images.y[index]])


def targets(images: Images, network: RateNetwork) -> Batch:
    """Return all images as one batch, in their order."""
    x = images.intensities(slice(None)).astype(network.dtype, copy=False)
    return Batch(x, np.eye(network.sizes[-1], dtype=network.dtype)[images.y])


def error_on(rule: Rule, state: State, images: Images) -> float:
    """Return the share of images whose largest output is not their class, in percent."""
    wrong = 0
    for at in range(0, len(images), TEST_BATCH):
        part = slice(at, at + TEST_BATCH)
        x = images.intensities(part).astype(state.network.dtype, copy=False)
        wrong += int((rule.outputs(state, x).argmax(axis=1) != images.y[part]).sum())
    return 100 * wrong / len(images)


def check_fit(sizes: tuple[int, ...], data: Dataset) -> None:
    """Raise `InputError` unless images have a pixel for each input, and a class for each output at most."""
    train = images_of(data.train, WHO)
    if train.n_inputs != sizes[0] or train.n_classes > sizes[-1]:
        raise InputError(
            f"sizes {sizes} do not fit {data.name}, which has {train.n_inputs} pixels and {train.n_classes} classes: "
            f"begin with {train.n_inputs} and end with {train.n_classes}"
        )
