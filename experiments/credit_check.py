"""Does credit arrive? One epoch of MNIST with the published one-hidden network and its variants of feedback.

Angles to backpropagation over the last 5,000 examples, correlation of hidden and output losses by digit against a
shuffle, test errors of random, sparse and symmetric feedback, and what measuring and recording cost. Writes
``credit_check.json`` and ``credit_check.md`` to --out.

    python experiments/credit_check.py [--seeds 3] [--out experiments/results]
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import spikelearn as sl
from spikelearn.analysis import LossCorrelation, loss_correlation
from spikelearn.bench import machine
from spikelearn.models import guerguiev2017

LAST = 5_000  # examples over which angles are averaged
ENGINE = sl.Clock()  # the paper's own numerics
CONDITIONS = {
    "random": lambda model: model,
    "rate-feedback": lambda model: guerguiev2017.variant(model, "rate-feedback"),
    "sparse": lambda model: guerguiev2017.variant(model, "sparse"),
    "symmetric": lambda model: guerguiev2017.variant(model, "symmetric"),
    "symmetric-noisy": lambda model: guerguiev2017.variant(model, "symmetric-noisy"),
    "output-only": lambda model: replace(model, rule=sl.OutputOnly()),
}


def measure(model: sl.Model, data: sl.Dataset, seed: int) -> dict[str, Any]:
    """Train for one epoch, comparing with backpropagation; return the angle, the correlations and the test error."""
    training = sl.train(model, data.train, seed=seed, engine=ENGINE, compare=sl.Backprop())
    chunks = list(training)
    angle = np.concatenate([chunk.angle[:, 0] for chunk in chunks])[-LAST:]
    loss = np.concatenate([chunk.loss for chunk in chunks])
    label = np.concatenate([chunk.label for chunk in chunks])
    half = len(label) // 2  # what is learned at first moves both losses; the second half shows what example does
    found = loss_correlation(loss[half:, 0], loss[half:, -1], label[half:], model.network.sizes[-1], seed)
    predictions = sl.evaluate(model.network, training.weights, data.test, seed=seed, engine=ENGINE)
    return {
        "seed": seed,
        "angle": None if np.isnan(angle).all() else float(np.nanmean(angle)),
        "correlation": dict(zip(LossCorrelation._fields, (np.asarray(each).tolist() for each in found), strict=True)),
        "test_error": float(sl.error_percent(predictions, data.test.y)[0]),
    }


def paired_cost(plain: Callable[[], None], more: Callable[[], None], repeats: int = 9) -> float:
    """Return the median ratio of the CPU times of `more` and `plain`, run in turns."""
    ratios = []
    for _ in range(repeats + 1):
        seconds = []
        for run in (plain, more):
            began = time.process_time()
            run()
            seconds.append(time.process_time() - began)
        ratios.append(seconds[1] / seconds[0])
    return statistics.median(ratios[1:])  # the first one compiles


def costs(model: sl.Model, data: sl.Dataset) -> dict[str, float]:
    """Time what looking costs: angles in training, and recording in a simulation of 500 ms."""
    some, network = data.train.first(2000), model.network
    weights, image = network.draw_weights(1), data.test.intensities(slice(0, 1))[0]
    result = {
        "angle": paired_cost(
            lambda: [None for _ in sl.train(model, some, seed=1, engine=ENGINE)],
            lambda: [None for _ in sl.train(model, some, seed=1, engine=ENGINE, compare=sl.Backprop())],
        )
    }
    potentials = ("hidden[0].v_soma", "hidden[0].v_basal", "hidden[0].v_apical")
    for engine in (sl.Clock(), sl.Event()):
        core = engine.build(network, weights)
        nothing = sl.Record(variables=[]).resolve(network, engine).watch
        watch = sl.Record(variables=potentials, neurons=range(20)).resolve(network, engine).watch

        def simulate(watch: Any, core: Any = core) -> None:
            for example in range(100):
                core.record(image, None, seed=1, example=example, watch=watch)

        name = type(engine).__name__.lower()
        result[f"{name}, potentials of 20 neurons"] = paired_cost(
            lambda watch=nothing, simulate=simulate: simulate(watch),
            lambda watch=watch, simulate=simulate: simulate(watch),
        )
    return result


def table(result: dict[str, Any]) -> str:
    """Return what was measured as Markdown."""
    lines = [
        f"# Credit assignment after one epoch of MNIST, 784-500-10, {result['reading']} reading, clock",
        "",
        f"{result['command']}; {result['date']}; {result['machine']['cpu']}, spikelearn {result['spikelearn']}.",
        "",
        f"Angle to backpropagation: mean over the last {LAST:,} examples. Correlation of hidden and output loss: the",
        "second half of the epoch, smallest and largest over the ten digits; shuffle: largest upper 97.5 % bound.",
        "",
        "| condition | seeds | angle (degrees) | correlation | shuffle | test error (%) |",
        "|---|---|---|---|---|---|",
    ]
    for name, runs in result["conditions"].items():
        angles = [run["angle"] for run in runs if run["angle"] is not None]
        r = np.array([run["correlation"]["r"] for run in runs])
        high = np.array([run["correlation"]["shuffled_high"] for run in runs])
        errors = ", ".join(f"{run['test_error']:.2f}" for run in runs)
        span = "none" if np.isnan(r).all() else f"{np.nanmin(r):.2f} to {np.nanmax(r):.2f}"
        shuffle = "" if np.isnan(high).all() else f"{np.nanmax(high):.2f}"
        degrees = ", ".join(f"{a:.1f}" for a in angles) or "none"
        lines.append(
            f"| {name} | {', '.join(str(run['seed']) for run in runs)} | {degrees} | {span} | {shuffle} | {errors} |"
        )
    lines += ["", "| what it costs | ratio of CPU times |", "|---|---|"]
    lines += [f"| {name} | {ratio:.3f} |" for name, ratio in result["costs"].items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure all conditions for some seeds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--reading", default="released")
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--examples", type=int, help="train on the first so many images only")
    parser.add_argument("--out", type=Path, default=Path("experiments/results"))
    options = parser.parse_args()
    data = sl.load(options.data)
    if options.examples:
        data = replace(data, train=data.train.first(options.examples))
    model = guerguiev2017.one_hidden(options.reading, n_input=data.train.n_inputs)
    result: dict[str, Any] = {
        "spikelearn": sl.__version__,
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine(),
        "command": f"python experiments/credit_check.py --seeds {options.seeds}",
        "reading": options.reading,
        "costs": costs(model, data),
        "conditions": {},
    }
    for name, change in CONDITIONS.items():
        result["conditions"][name] = []
        for seed in range(1, options.seeds + 1):
            found = measure(change(model), data, seed)
            result["conditions"][name].append(found)
            print(f"{name}, seed {seed}: angle {found['angle']}, test error {found['test_error']:.2f} %", flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "credit_check.json").write_text(json.dumps(result, indent=1) + "\n")
    (options.out / "credit_check.md").write_text(table(result))
    print(table(result))


if __name__ == "__main__":
    main()
