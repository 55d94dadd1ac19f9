"""Not in the paper: its networks on Fashion-MNIST, beside a linear classifier and backpropagation.

Two parts. *Search*: learning rates of each kind of network on a fifth of the training images, held back, with a seed of
its own, five epochs. *Networks*: 30 epochs with the best rates.

    python experiments/fashion.py --scale paper
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import protocol
from conditions import FASHION_BEST, SEARCH_SEED
from harness import Setting, Stages, Task, Tell, main, once, read

from spikelearn.datasets import Dataset, split
from spikelearn.ratenet import Adam, fit, rules

DATA = "fashion"
KINDS = tuple(f"fashion-{kind}" for kind in FASHION_BEST)
SEARCHED = tuple(name for name in protocol.CONDITIONS if name.startswith("fashion-search-"))
EPOCHS, SEARCH_EPOCHS = 30, 5


@dataclass(frozen=True, kw_only=True)
class Control:
    """A rate network that learns by backpropagation, in minibatches."""

    hidden: tuple[int, ...]
    rate: float  # of Adam: the best one of those tried


CONTROLS = {"linear": Control(hidden=(), rate=1e-2), "rates-backprop": Control(hidden=(500,), rate=3e-3)}
TRIED = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)


def control(setting: Setting, name: str, seed: int, rate: float, searching: bool) -> Task:
    """Return the task that trains a control."""
    scale = protocol.SCALES[setting.scale].on(DATA)
    data: Dataset = split(scale.load().train) if searching else scale.load()
    epochs = min(SEARCH_EPOCHS if searching else EPOCHS, scale.epochs)
    rule = rules.Backprop(optimiser=Adam(rate=rate))
    network = rule.network((data.train.n_inputs, *CONTROLS[name].hidden, data.train.n_classes))
    made_from = {
        "sizes": list(network.sizes),
        "rule": repr(rule),
        "seed": seed,
        "epochs": epochs,
        "images": data.digests(),
    }

    def make(tell: Tell) -> list[float]:
        errors = []
        for epoch in fit(network, rule, data, seed=seed, epochs=epochs):
            errors.append(epoch.test_error)
            tell(len(data.train))
        return errors

    return Task(
        f"{name}, seed {seed}", epochs * len(data.train), once(_path(setting, name, seed, rate), made_from, make)
    )


def _path(setting: Setting, name: str, seed: int, rate: float) -> Path:
    return setting.out / "fashion" / f"{name}-{rate:g}-seed{seed}.json"


def stages(setting: Setting) -> Stages:
    """Return the tasks: the search, then the networks; none waits for another."""
    seeds = protocol.seeds(setting, KINDS[0])
    searched = [control(setting, name, SEARCH_SEED, rate, True) for name in CONTROLS for rate in TRIED]
    trained = [control(setting, name, seed, found.rate, False) for name, found in CONTROLS.items() for seed in seeds]
    return [[*protocol.training(setting, *SEARCHED), *searched], [*protocol.training(setting, *KINDS), *trained]]


def measure(setting: Setting) -> dict[str, Any]:
    """Return the errors that the search found, and the test errors of each network and seed, by epoch."""
    seeds = protocol.seeds(setting, KINDS[0])
    held_out = {name.removeprefix("fashion-search-"): protocol.curves(setting, name)[0] for name in SEARCHED}
    for name in CONTROLS:
        for rate in TRIED:
            held_out[f"{name}-{rate:g}"] = read(_path(setting, name, SEARCH_SEED, rate))
    networks = {name: {"test_error": protocol.curves(setting, name)} for name in KINDS}
    networks |= {
        name: {"test_error": [read(_path(setting, name, seed, found.rate)) for seed in seeds]}
        for name, found in CONTROLS.items()
    }
    best = FASHION_BEST | {name: f"{found.rate:g}" for name, found in CONTROLS.items()}
    return {"search": held_out, "best": best, "conditions": networks}


if __name__ == "__main__":
    main("fashion", __doc__, stages, measure)
