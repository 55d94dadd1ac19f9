"""Beyond the paper: how far down plateau potentials alone bring the error, and which lever gave what.

Four parts. *Search*: each number of the best description a step up and a step down, trained on the training images
but the last sixth and judged by the error on that sixth, with a seed of its own. *Ladder*: from the paper's network to
the best one, a lever after the other. *Controls*: others at the settings of the last of the ladder. *Final*: the best
network, larger, beside backpropagation, with seeds that the search never used. All but those of the search learn from
all training images and are tested once, at their end; nothing is chosen by it.

    python experiments/beyond.py --scale paper
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import protocol
from harness import Setting, Stages, Task, Tell, main, once, read

import spikelearn as sl
from spikelearn import datasets, descriptions
from spikelearn.models import beyond, guerguiev2017

SEEDS = {"smoke": 1, "laptop": 1, "paper": 5}
SEARCH_SEED = 1001
HELD_OUT = 6  # one training image of so many, the last ones: 10,000 of MNIST's
PAPER, BEST, TWO_HIDDEN = guerguiev2017.one_hidden, beyond.plateau_best, beyond.plateau_best_two_hidden

Change = Callable[[sl.Model], sl.Model]


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A network of this experiment: what it is, how long it learns, with how many seeds at most."""

    make: Callable[..., sl.Model] = BEST
    hidden: tuple[int, ...] = (500,)
    changes: tuple[Change, ...] = ()
    epochs: int = 10
    seeds: int = 3
    data: str | None = None  # in place of MNIST, at scales that have it
    spread: float | None = None  # see `_spread`

    def model(self, data: datasets.Dataset, units: int | None) -> sl.Model:
        """Return the description for some images, with another number of neurons in each hidden layer if given."""
        hidden = self.hidden if units is None else (units,) * len(self.hidden)
        model = self.make(n_input=data.train.n_inputs, n_output=data.train.n_classes, hidden=hidden)
        for change in self.changes:
            model = change(model)
        return model


def _with(**changes: Any) -> Change:
    return lambda model: replace(model, **changes)


def _network(**changes: Any) -> Change:
    return lambda model: replace(model, network=replace(model.network, **changes))


def _pooled(gain: float) -> Change:
    return _populations(beyond.POPULATION, gain)


def _populations(n: int, gain: float) -> Change:
    """Let there be `n` outputs for each class, heard as one, and feedback from them of so much gain."""
    feedback = sl.PooledFeedback(population=n, base=sl.RandomFeedback(gain=gain))

    def change(model: sl.Model) -> sl.Model:
        *below, _ = model.network.sizes
        sizes = (*below, n * model.network.n_classes)
        return _network(sizes=sizes, population=n, feedback=feedback)(model)

    return change


def _learned(model: sl.Model) -> sl.Model:
    """Return a model whose feedback weights get the changes of the output weights, from the start that the best has."""
    return _network(feedback=sl.KolenPollack(base=sl.RandomFeedback(gain=2.8)))(model)


def _local(model: sl.Model) -> sl.Model:
    """Return a model whose hidden neurons start from a part of the image, 10 of 28 pixels wide (Illing et al. 2019)."""
    side = round(10 / 28 * math.isqrt(model.network.sizes[0]))
    return _network(initial=replace(model.network.initial, receptive_field=side))(model)


def _spread(weights: sl.Weights, factor: float) -> sl.Weights:
    """Return weights whose hidden neurons differ more: the lowest, less their mean, times a factor, and biases of -2.

    As they start in the paper, images move the potentials of hidden neurons so little, against the noise of their
    spikes, that what reads them errs twice as often. A layer that learns leaves that behind, a frozen one cannot.
    """
    lowest, bias = weights.W[0], weights.b[0]
    there = lowest != 0  # all, or those of a patch
    lowest = np.where(there, factor * (lowest - lowest[there].mean()), 0).astype(lowest.dtype)
    return replace(weights, W=(lowest, *weights.W[1:]), b=(np.full_like(bias, -2), *weights.b[1:]))


WIDE = (1000,)
RATES = _with(learning_rates=(3.0, 0.3))
GATE = _with(rule=sl.Plateau(gate=0.5))
LIKELIHOOD = _network(output=sl.OutputNeuron(loss="likelihood"))
LIKELY_RATES = _with(learning_rates=(3.0, 0.03))
DECAY = _with(schedule=sl.Decay(by=0.94))
AVERAGING = _with(averaging=sl.Averaging(examples=16_000.0))
LADDER = {
    "paper": Trained(make=PAPER),
    "rates": Trained(make=PAPER, changes=(RATES,)),
    "gate": Trained(make=PAPER, changes=(RATES, GATE)),
    "likelihood": Trained(make=PAPER, changes=(GATE, LIKELIHOOD, LIKELY_RATES)),
    "populations": Trained(make=PAPER, changes=(GATE, LIKELIHOOD, LIKELY_RATES, _pooled(1.0))),
    "gain": Trained(changes=(_with(schedule=sl.Constant(), averaging=None, augment=None),)),
    "decay": Trained(changes=(_with(averaging=None, augment=None),)),
    "averaging": Trained(changes=(_with(augment=None),)),
    "shifts": Trained(),
}
# Backpropagation has a scale of its own: its rates are those of the search, like all numbers of the best network.
BACKPROP = _with(rule=sl.Backprop(), learning_rates=(0.22, 0.02))
FROZEN = _with(rule=sl.OutputOnly(), learning_rates=(0.0, 0.01))
RATES_BACK = _network(feedback_signal="rates")
SPREAD_RATE = _with(learning_rates=(0.0, 0.03))
# In place of the last of the ladder, as large and as long.
CONTROLS = {
    "backprop": Trained(changes=(BACKPROP,)),
    "rates back": Trained(changes=(RATES_BACK, _pooled(1.4))),
    "two hidden": Trained(make=TWO_HIDDEN, hidden=(500, 200)),
    "frozen": Trained(changes=(FROZEN,)),
    "frozen, local": Trained(changes=(FROZEN, _local)),
    "frozen, spread": Trained(changes=(FROZEN, SPREAD_RATE), spread=12.0),
    "frozen, local, spread": Trained(changes=(FROZEN, SPREAD_RATE, _local), spread=12.0),
}
FINAL = {
    "best-1000": Trained(hidden=WIDE, epochs=25, seeds=5),
    "backprop-1000": Trained(hidden=WIDE, changes=(BACKPROP,), epochs=25),
    "fashion-1000": Trained(hidden=WIDE, seeds=5, data="fashion"),
    "fashion-backprop-1000": Trained(hidden=WIDE, changes=(BACKPROP,), data="fashion"),
}
PARTS = {"final": FINAL, "controls": CONTROLS, "ladder": LADDER}
STEPS: dict[str, tuple[Change, ...]] = {
    "best": (),
    "hidden rate 1.5": (_with(learning_rates=(1.5, 0.03)),),
    "hidden rate 6": (_with(learning_rates=(6.0, 0.03)),),
    "output rate 0.015": (_with(learning_rates=(3.0, 0.015)),),
    "output rate 0.06": (_with(learning_rates=(3.0, 0.06)),),
    "gain 1.4": (_pooled(1.4),),
    "gain 5.6": (_pooled(5.6),),
    "1 output a class": (_populations(1, 2.8),),
    "10 outputs a class": (_populations(10, 2.8),),
    "gate 0.25": (_with(rule=sl.Plateau(gate=0.25)),),
    "gate 1": (_with(rule=sl.Plateau(gate=1.0)),),
    "decay 0.88": (_with(schedule=sl.Decay(by=0.88)),),
    "decay 0.97": (_with(schedule=sl.Decay(by=0.97)),),
    "gain 1.4, output rate 0.015": (_pooled(1.4), _with(learning_rates=(3.0, 0.015))),
    "gain 1.4, output rate 0.015, decay 0.97": (
        _pooled(1.4),
        _with(learning_rates=(3.0, 0.015)),
        _with(schedule=sl.Decay(by=0.97)),
    ),
    "rates back, gate 0.25": (RATES_BACK, _pooled(1.4), _with(rule=sl.Plateau(gate=0.25))),
    "rates back, gain 1.4": (RATES_BACK, _pooled(1.4)),
    "rates back, gain 2.8": (RATES_BACK,),
    "Kolen-Pollack": (_learned,),
    "Kolen-Pollack, hidden rate 6": (_learned, _with(learning_rates=(6.0, 0.03))),
    "Kolen-Pollack, hidden rate 0.75": (_learned, _with(learning_rates=(0.75, 0.03))),
    "Kolen-Pollack, hidden rate 0.2": (_learned, _with(learning_rates=(0.2, 0.03))),
    **{
        f"symmetric feedback, hidden rate {rate:g}": (
            _network(feedback=sl.SymmetricFeedback()),
            _with(learning_rates=(rate, 0.03)),
        )
        for rate in (0.03, 0.1, 0.3, 1.0, 3.0)
    },
    "backprop, best": (BACKPROP,),
    "backprop, hidden rate 0.11": (BACKPROP, _with(learning_rates=(0.11, 0.02))),
    "backprop, hidden rate 0.44": (BACKPROP, _with(learning_rates=(0.44, 0.02))),
    "backprop, output rate 0.01": (BACKPROP, _with(learning_rates=(0.22, 0.01))),
    "backprop, output rate 0.04": (BACKPROP, _with(learning_rates=(0.22, 0.04))),
    **{
        f"{name}, output rate {rate:g}": (*changes, _with(learning_rates=(0.0, rate)))
        for name, changes, rates in (
            ("frozen", (FROZEN,), (0.001, 0.003, 0.01, 0.03)),
            ("frozen, local", (FROZEN, _local), (0.003, 0.01)),
        )
        for rate in rates
    },
}
SEARCH = {name: Trained(changes=changes, epochs=10, seeds=1) for name, changes in STEPS.items()} | {
    f"two hidden, second rate {rate:g}": Trained(
        make=TWO_HIDDEN, hidden=(500, 200), changes=(_with(learning_rates=(3.0, rate, 0.03)),), epochs=10, seeds=1
    )
    for rate in (0.3, 1.0, 3.0)
}
SEARCH |= {
    f"{name}, spread {spread:g}, output rate {rate:g}": Trained(
        changes=(*changes, _with(learning_rates=(0.0, rate))), spread=spread, epochs=10, seeds=1
    )
    for name, changes in (("frozen", (FROZEN,)), ("frozen, local", (FROZEN, _local)))
    for spread, rate in ((12.0, 0.003), (12.0, 0.01), (12.0, 0.03), (12.0, 0.1), (6.0, 0.03), (24.0, 0.03))
}
SMOKE = 20  # hidden neurons at that scale
COUNTED = 500  # images whose spikes are counted


def images(setting: Setting, trained: Trained, searching: bool) -> datasets.Dataset:
    """Return the images; for the search, the held-out training images in place of the test images."""
    data = protocol.SCALES[setting.scale].on(trained.data).load()
    if not searching:
        return data
    n = len(data.train) - len(data.train) // HELD_OUT
    return replace(data, train=data.train.at(slice(n)), test=data.train.at(slice(n, None)))


def task(setting: Setting, name: str, trained: Trained, seed: int, searching: bool) -> Task:
    """Return the task that trains a network, going on where it was stopped, and then tests it once."""
    scale, data = protocol.SCALES[setting.scale], images(setting, trained, searching)
    epochs = min(trained.epochs, scale.epochs)
    model = trained.model(data, SMOKE if setting.scale == "smoke" else None)
    made_from = {
        "model": descriptions.to_dict(model),
        "epochs": epochs,
        "seed": seed,
        "images": data.digests(),
        **({} if trained.spread is None else {"spread": trained.spread}),
    }
    path = _path(setting, name, seed, searching)

    def make(tell: Tell) -> dict[str, Any]:
        engine = sl.Clock()
        training = sl.train(model, data.train, seed=seed, epochs=epochs, engine=engine)
        if trained.spread is not None:
            start = _spread(training.weights, trained.spread)
            training = sl.train(model, data.train, seed=seed, epochs=epochs, engine=engine, weights=start)
        state, wrong, seconds = path.with_suffix(".h5"), [], 0.0
        if state.is_file():
            kept = protocol.take_up(training, state, made_from)
            wrong, seconds = kept["wrong"].tolist(), float(kept["seconds"][0])
        tell(training.trials)
        began = perf_counter() - seconds
        for chunk in training:
            if chunk.start == 0:
                wrong.append(0)
            wrong[-1] += chunk.n_wrong
            tell(chunk.stop - chunk.start)
            if chunk.stop == len(data.train):
                seconds = perf_counter() - began
                protocol.leave(training, state, made_from, wrong=np.array(wrong), seconds=np.array([seconds]))
        shown = {"network": model.network, "weights": training.tested, "seed": seed, "engine": engine}
        predictions = sl.evaluate(images=data.test, **shown)
        few = data.test.first(min(COUNTED, len(data.test)))
        counts = sl.activity(images=few, **shown)
        return {
            "error": float(sl.error_percent(predictions, data.test.y)[0]),
            "train_error": [100 * n / len(data.train) for n in wrong],
            "ms_per_example": 1000 * seconds / training.trials,
            "spikes_per_image": {layer: float(count.sum() / len(few)) for layer, count in counts.items()},
        }

    return Task(f"{name}, seed {seed}", epochs * len(data.train), once(path, made_from, make))


def _path(setting: Setting, name: str, seed: int, searching: bool) -> Path:
    kind, label = "search-" if searching else "", name.replace(",", "").replace(" ", "-")
    return setting.out / "beyond" / f"{kind}{label}-seed{seed}.json"


def seeds(setting: Setting, trained: Trained) -> range:
    """Return the seeds with which a network is trained that is not of the search."""
    return range(1, min(setting.seeds, trained.seeds) + 1)


def stages(setting: Setting) -> Stages:
    """Return the tasks: the final networks first, then controls, ladder and search; none waits for another."""
    others = chain(*(part.items() for part in PARTS.values()))
    networks = {
        (seed, place, name): trained for place, (name, trained) in enumerate(others) for seed in seeds(setting, trained)
    }
    return [
        [task(setting, name, networks[key], seed, False) for key in sorted(networks) for seed, _, name in [key]],
        [task(setting, name, trained, SEARCH_SEED, True) for name, trained in SEARCH.items()],
    ]


def measure(setting: Setting) -> dict[str, Any]:
    """Return what came out, by network and seed."""
    return {
        "search": {name: read(_path(setting, name, SEARCH_SEED, True)) for name in SEARCH},
        **{
            part: {
                name: {
                    "epochs": min(trained.epochs, protocol.SCALES[setting.scale].epochs),
                    "networks": [read(_path(setting, name, seed, False)) for seed in seeds(setting, trained)],
                }
                for name, trained in networks.items()
            }
            for part, networks in PARTS.items()
        },
    }


if __name__ == "__main__":
    main("beyond", __doc__, stages, measure, SEEDS)
