"""Which numbers suit each rule? A small grid on a validation split of the training images; no test image is read.

Scale laptop: each candidate learns from the first 50,000 training images of MNIST and is judged by its error on the
last 10,000 after five epochs, seed 1. Scale digits, for rules that need many passes or much time a step: a network with
one hidden layer of 64, all but the last 300 training images, 100 epochs. Writes a file a candidate (a second start
goes on) and a table; the tables of both scales are committed beside this script, in ``results/``.
`spikelearn.ratenet.registry` holds what was chosen.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from threadpoolctl import threadpool_limits

import spikelearn as sl
from spikelearn.cli.arguments import runs_bar
from spikelearn.errors import check_name
from spikelearn.ratenet import rules as r
from spikelearn.ratenet.fit import fit
from spikelearn.ratenet.inverses import Parallel
from spikelearn.ratenet.optimisers import SGD, Adam
from spikelearn.ratenet.registry import entry
from spikelearn.side_by_side import gather, write_result


def adam(rule, *rates):
    """Return a copy of a rule for each rate of Adam, its other numbers kept."""
    kept = rule.optimiser if isinstance(rule.optimiser, Adam) else Adam()
    return [replace(rule, optimiser=replace(kept, rate=rate)) for rate in rates]


def target_propagation(rule):
    """Return a grid of rates, forward and inverse, and of noise."""
    return [
        replace(rule, optimiser=Adam(rate=rate), inverse=Adam(rate=inverse), noise=noise)
        for rate, inverse in ((3e-4, 1e-3), (3e-4, 3e-3), (1e-3, 3e-4), (1e-3, 1e-3), (1e-3, 3e-3), (2e-3, 3e-4))
        for noise in (0.05, 0.2)
    ]


GRID = {
    "bp": adam(r.Backprop(), 5e-4, 1e-3, 2e-3),
    "shallow": adam(r.Shallow(), 1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
    "fa": adam(r.FeedbackAlignment(), 1e-3, 2e-3, 3e-3),
    "dfa": adam(r.DirectFeedback(), 1e-3, 2e-3, 3e-3),
    "dtp": [r.DTP(), *adam(r.DTP(), 6e-4, 1e-3, 2e-3)],
    "dtp-parallel": [
        r.DTP(schedule=Parallel()),
        *adam(r.DTP(schedule=Parallel()), 6e-4, 1e-3, 2e-3),
    ],
    "sdtp": target_propagation(r.SDTP()),
    "sdtp-parallel": target_propagation(r.SDTP(schedule=Parallel())),
    "ao-sdtp": target_propagation(r.AuxiliarySDTP()),
    "ao-sdtp-parallel": target_propagation(r.AuxiliarySDTP(schedule=Parallel())),
    "sign": adam(r.SignSymmetry(), 5e-4, 1e-3, 2e-3),
    "mirror": adam(r.WeightMirror(), 5e-4, 1e-3, 2e-3),
    "kp": [rule for decay in (3e-5, 1e-4, 3e-4) for rule in adam(r.KolenPollack(decay=decay), 1e-3, 2e-3)],
    "hsic": [
        rule
        for beta, sigma in ((50.0, 5.0), (500.0, 5.0), (500.0, 2.0))
        for rule in adam(r.HSICBottleneck(beta=beta, sigma=sigma), 3e-3, 1e-2)
    ],
    "am": adam(r.AlternatingMinimisation(), 5e-4, 1e-3, 3e-3, 8e-3),
    "dbn": [rule for rate in (0.05, 0.1) for rule in adam(r.DeepBelief(rate=rate), 3e-3, 1e-2)],
    "ep": [
        rule
        for beta in (0.5, 1.0)
        for rule in adam(r.EquilibriumPropagation(batch=32, beta=beta, nudged=10), 3e-4, 6e-4)
    ],
    "microcircuit": adam(r.Microcircuit(batch=32), 1e-3, 3e-3, 6e-3),
    "burst": adam(r.BurstPropagation(batch=32), 1e-3, 3e-3, 6e-3),
    "np": [
        *(r.NodePerturbation(optimiser=SGD(rate=rate)) for rate in (0.01, 0.03)),
        *adam(r.NodePerturbation(), 3e-4, 6e-4, 1e-3),
    ],
    "wp": [
        *(r.WeightPerturbation(optimiser=SGD(rate=rate)) for rate in (1e-6, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3)),
        *adam(r.WeightPerturbation(), 1e-4),
    ],
    "es": [rule for noise in (0.01, 0.05) for rule in adam(r.EvolutionStrategies(noise=noise), 3e-3, 1e-2, 3e-2)],
    "ga": [r.GeneticAlgorithm(noise=noise) for noise in (0.01, 0.02, 0.05, 0.1)],
    "hash": adam(r.HashedWinners(), 1e-3, 3e-3, 1e-2),
    "meta": adam(r.MetaLearned(), 3e-4, 1e-3, 3e-3, 1e-2),
    "bp-binary": adam(r.Backprop(), 1e-3, 3e-3),
    "bp-dropout": adam(r.Backprop(), 1e-3, 3e-3),
}

HIDDEN = {"smoke": (256, 256), "digits": (64,), "laptop": (256, 256)}
EPOCHS = {"smoke": 1, "digits": 100, "laptop": 5}
SEED = 1


def validation(scale: str) -> sl.Dataset:
    """Return a data set whose test part is the end of the training images."""
    data, kept = (sl.load("mnist"), 10_000) if scale == "laptop" else (sl.load("digits"), 300)
    images = data.train
    n = len(images) - kept
    held = replace(images, x=images.x[n:], y=images.y[n:], name=f"{images.name}, held out")
    return sl.Dataset(train=images.first(n), test=held, name=data.name)


def try_out(name: str, rule, scale: str) -> dict:
    """Train one candidate; return its validation error, None where it diverged."""
    data, hidden = validation(scale), HIDDEN[scale]
    sizes = (data.train.n_inputs, *hidden, data.train.n_classes)
    network = replace(rule.network(sizes), **entry(name).options)
    errors, seconds = [], 0.0
    try:
        for epoch in fit(network, rule, data, seed=SEED, epochs=EPOCHS[scale]):
            errors.append(round(epoch.test_error, 3))
            seconds += epoch.seconds
    except sl.NotFiniteError:
        errors.append(None)
    return {"rule": name, "candidate": repr(rule), "validation_error": errors, "seconds": round(seconds, 1)}


def table(found: list[dict]) -> str:
    """Return the results as Markdown, the best of each rule marked."""
    lines = ["| rule | candidate | validation error (%) |", "|---|---|---|"]
    best = {}
    for row in found:
        error = row["validation_error"][-1]
        if error is not None and error < best.get(row["rule"], 101):
            best[row["rule"]] = error
    for row in found:
        error = row["validation_error"][-1]
        shown = "diverged" if error is None else f"{error:.2f}"
        mark = "**" if error == best.get(row["rule"]) else ""
        lines.append(f"| {row['rule']} | `{row['candidate']}` | {mark}{shown}{mark} |")
    return "\n".join(lines) + "\n"


def search(scale: str, rules: Sequence[str], out: Path, jobs: int) -> list[dict]:
    """Try what `out` has no result of; return the results of all candidates."""
    candidates = {f"{name}-{k}": (name, rule) for name in rules for k, rule in enumerate(GRID[name], start=1)}
    digests = validation(scale).digests()

    def origin(candidate: str, seed: int) -> dict:
        return {"candidate": repr(candidates[candidate][1]), "epochs": EPOCHS[scale], "images": digests}

    def work(candidate: str, seed: int):
        return partial(done, out, candidate, *candidates[candidate], scale, origin(candidate, seed))

    with runs_bar(False) as show:
        return gather(out, list(candidates), [SEED], origin, work, jobs=jobs, progress=show)


def done(out: Path, candidate: str, name: str, rule, scale: str, origin: dict) -> dict:
    """Try one candidate, and keep its result."""
    with threadpool_limits(1):
        result = try_out(name, rule, scale)
    write_result(out, (candidate, SEED), result, origin)
    return result


def main() -> None:
    """Try what is missing, write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", choices=EPOCHS, default="smoke")
    parser.add_argument("--rules", help="names joined by commas (default: all)")
    parser.add_argument("--jobs", type=int, default=2, help="candidates side by side (default: 2)")
    parser.add_argument("--out", type=Path, default=Path("runs/learning_rates"))
    options = parser.parse_args()
    rules = options.rules.split(",") if options.rules else list(GRID)
    try:
        for name in rules:
            check_name("rule", name, GRID)
        found = search(options.scale, rules, options.out / "candidates", options.jobs)
    except sl.InputError as error:
        sys.exit(f"learning_rates: error: {error}")
    (options.out / "learning_rates.md").write_text(table(found))


if __name__ == "__main__":
    main()
