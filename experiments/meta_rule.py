"""Can a local rule be learned? The meta-training of `meta`, and tests on data that it has not seen. Resumable.

Evolution strategies change the numbers of the net that says how each hidden weight changes (`MetaLearned`), so that a
small network knows the digits after a hundred minibatches. Each generation has initial weights, feedback and an order
of its own. Then the rule that was found trains on permuted digits and is tested on images it has never met: for as
long, for ten times as long, in a deeper network; and on permuted MNIST (scale smoke: digits only). Beside it are its
own random start, Hebb's rule, without and with decay of weights, direct feedback alignment, backpropagation, and a
network whose output layer alone learns. All have the same optimiser, so that only directions differ. A dense network
does not know the order of its pixels: permuting them guards against a slip, and is no harder task.

    python experiments/meta_rule.py --scale paper
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

import numpy as np
from harness import Setting, Stages, Task, Tell, main, once, read, rounded

import spikelearn as sl
from spikelearn.origin import plain
from spikelearn.ratenet import Adam, Batch, RateNetwork, Rule, fit, rules
from spikelearn.ratenet.fit import begin, minibatches, targets
from spikelearn.ratenet.rules.evolution_strategies import Ranks, search_gradient
from spikelearn.ratenet.rules.meta_learned import BOUNDED_HEBB, HEBB, UpdateNet
from spikelearn.ratenet.shared import mean_loss
from spikelearn.ratenet.streams import stream

OPTIMISER, BATCH = Adam(rate=5e-3), 64  # of every rule
HELD = 300  # of the training images: what is learned is judged on them while the rule is searched
UNITS = 8  # tanh units of the net
NOISE, STEP = 0.1, Adam(rate=0.03)  # of the search
DIGITS = 4  # significant, of the numbers that are kept
EVERY = 1_000_000  # seeds of a meta-training's tasks: none is that of a test


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What rules are tested on: images, hidden layers and passes over the training images."""

    data: str
    hidden: tuple[int, ...]
    epochs: int
    train: int | None = None

    def load(self, seed: int) -> sl.Dataset:
        """Return the images with their pixels in an order of the seed's."""
        data = sl.load(self.data)
        order = stream(seed, "pixels").permutation(data.train.n_inputs)
        train = data.train if self.train is None else data.train.first(self.train)
        return replace(data, train=shuffled(train, order), test=shuffled(data.test, order))


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How long the rule is searched, and on what it is tested."""

    generations: int
    pairs: int
    steps: int
    hidden: tuple[int, ...]
    trials: dict[str, Trial]


FULL = Scale(
    generations=80,
    pairs=8,
    steps=100,
    hidden=(32, 32),
    trials={
        "digits, as meta-trained": Trial(data="digits", hidden=(32, 32), epochs=5),
        "digits, ten times as long": Trial(data="digits", hidden=(32, 32), epochs=50),
        "digits, four hidden layers": Trial(data="digits", hidden=(64, 64, 64, 64), epochs=50),
        "MNIST": Trial(data="mnist", hidden=(64, 64), epochs=5, train=10_000),
    },
)
SMOKE = Scale(
    generations=2,
    pairs=2,
    steps=3,
    hidden=(8,),
    trials={
        "digits, as meta-trained": Trial(data="digits", hidden=(8,), epochs=1, train=200),
        "digits, deeper": Trial(data="digits", hidden=(8, 8), epochs=2, train=200),
    },
)
SCALES = {"smoke": SMOKE, "laptop": FULL, "paper": FULL}


def shuffled(images: sl.Images, order: np.ndarray) -> sl.Images:
    """Return images with their pixels in another order."""
    return replace(images, x=images.x[:, order], name=f"{images.name}, permuted")


def stages(setting: Setting) -> Stages:
    """Search a rule with every seed, then test it."""
    scale, seeds = SCALES[setting.scale], range(1, setting.seeds + 1)
    images = {name: sl.load(name).digests() for name in {"digits", *(trial.data for trial in scale.trials.values())}}
    made_from = plain({"images": images, "description": repr((OPTIMISER, BATCH, HELD, UNITS, NOISE, STEP, scale))})

    def search(seed: int) -> Task:
        path, size = searched(setting, seed), scale.generations * scale.pairs * 2 * scale.steps * BATCH
        return Task(f"search {seed}", size, once(path, made_from, lambda tell: meta_train(scale, seed, tell)))

    def test(number: int, trial: Trial, seed: int) -> Task:
        def work(tell: Tell) -> None:
            found = read(searched(setting, seed))
            origin = made_from | {"rules": repr(compared(found["start"], found["found"]))}
            once(tested(setting, number, seed), origin, lambda tell: compare(trial, found, seed, tell))(tell)

        size = (
            (trial.train or len(sl.load(trial.data).train)) * trial.epochs * len(compared(HEBB.numbers, HEBB.numbers))
        )
        return Task(f"test {number} {seed}", size, work)

    trials = enumerate(scale.trials.values())
    return [[search(seed) for seed in seeds], [test(k, trial, seed) for k, trial in trials for seed in seeds]]


def searched(setting: Setting, seed: int) -> Path:
    """Return where a rule that was found is kept."""
    return setting.out / "meta_rule" / f"search{seed}.json"


def tested(setting: Setting, number: int, seed: int) -> Path:
    """Return where the errors of a test are kept."""
    return setting.out / "meta_rule" / f"test{number}-{seed}.json"


def meta_train(scale: Scale, seed: int, tell: Tell) -> dict[str, list[float]]:
    """Search a rule; return its numbers, those it began with, and the mean loss of each generation."""
    images = sl.load("digits").train
    n = len(images) - HELD
    network = RateNetwork(sizes=(images.n_inputs, *scale.hidden, images.n_classes))
    held = targets(replace(images, x=images.x[n:], y=images.y[n:]), network)
    start = UpdateNet.draw(UNITS, stream(seed, "start")).numbers
    numbers, losses = np.array(start), []
    moments = STEP.start(len(numbers), numbers.dtype)
    for generation in range(scale.generations):
        task, seen = seed * EVERY + generation, []

        def loss(tried: np.ndarray, task: int = task, seen: list[float] = seen) -> float:
            net = UpdateNet(tuple(tried.tolist()))
            seen.append(learned(net, network, images.first(n), held, scale.steps, task))
            tell(scale.steps * BATCH)
            return seen[-1]

        draws = stream(task, "search").standard_normal((scale.pairs, len(numbers)))
        numbers -= STEP.steps(moments, search_gradient(loss, numbers, draws, NOISE, Ranks()))
        losses.append(float(np.mean(seen)))
    return {"start": rounded(start, DIGITS), "found": rounded(numbers, DIGITS), "loss": rounded(losses)}


def learned(net: UpdateNet, network: RateNetwork, images: sl.Images, held: Batch, steps: int, seed: int) -> float:
    """Return the loss on held-out images after so many minibatches; infinity where it diverged."""
    rule = rules.MetaLearned(net=net, optimiser=OPTIMISER, batch=BATCH)
    state, rng = begin(network, rule, seed), stream(seed, "learning")
    for batch in islice(endless(images, network, seed), steps):
        rule.learn(state, batch, rng)
    loss = mean_loss(network, state.parameters, held)
    return loss if np.isfinite(loss) else float("inf")


def endless(images: sl.Images, network: RateNetwork, seed: int) -> Iterator[Batch]:
    """Yield minibatches, pass after pass."""
    return chain.from_iterable(minibatches(images, network, BATCH, stream(seed, "order", k)) for k in count())


def compared(start: Sequence[float], found: Sequence[float]) -> dict[str, Rule]:
    """Return the rules of a test."""
    own = {"optimiser": OPTIMISER, "batch": BATCH}
    nets = {
        "found": UpdateNet(tuple(found)),
        "its random start": UpdateNet(tuple(start)),
        "Hebb": HEBB,
        "Hebb, with decay": BOUNDED_HEBB,
    }
    return {
        "backpropagation": rules.Backprop(**own),
        "direct feedback": rules.DirectFeedback(**own),
        **{name: rules.MetaLearned(net=net, **own) for name, net in nets.items()},
        "output only": rules.Shallow(**own),
    }


def compare(trial: Trial, found: dict[str, list[float]], seed: int, tell: Tell) -> dict[str, list[float | None]]:
    """Return the test error of each rule after each epoch, in percent; None after it diverged."""
    data, errors = trial.load(seed), {}
    sizes = (data.train.n_inputs, *trial.hidden, data.train.n_classes)
    for name, rule in compared(found["start"], found["found"]).items():
        errors[name] = []
        try:
            for epoch in fit(rule.network(sizes), rule, data, seed=seed, epochs=trial.epochs):
                errors[name].append(round(epoch.test_error, 3))
                tell(len(data.train))
        except sl.NotFiniteError:
            errors[name] += [None] * (trial.epochs - len(errors[name]))
    return errors


def measure(setting: Setting) -> dict[str, Any]:
    """Gather the seeds."""
    scale, seeds = SCALES[setting.scale], range(1, setting.seeds + 1)
    return {
        "steps": scale.steps,
        "searches": [read(searched(setting, seed)) for seed in seeds],
        "tests": {
            name: {
                "sizes": [*trial.hidden],
                "epochs": trial.epochs,
                "test_error": [read(tested(setting, k, seed)) for seed in seeds],
            }
            for k, (name, trial) in enumerate(scale.trials.items())
        },
    }


if __name__ == "__main__":
    main("meta_rule", __doc__, stages, measure)
