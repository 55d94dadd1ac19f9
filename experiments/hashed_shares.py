"""How many units do winners by hashing leave active, and what does it cost? On digits; prints a table in Markdown.

One hidden layer, means over seeds. The control is dropout that keeps as many units, chosen without looking at the
input; at test it has them all. The table of the default options is committed in ``results/``.

    python experiments/hashed_shares.py
"""

import argparse
from dataclasses import replace
from statistics import fmean

from threadpoolctl import threadpool_limits

import spikelearn as sl
from spikelearn.ratenet import entry, fit
from spikelearn.ratenet.units import Dropout

BITS = (6, 5, 4, 3, 2, 1, 0)


def mean_error(network, rule, data, seeds, epochs):
    """Return the test error after the last epoch in percent, the mean over seeds, and the last state."""
    ends = [list(fit(network, rule, data, seed=seed, epochs=epochs))[-1] for seed in range(1, seeds + 1)]
    return fmean(end.test_error for end in ends), [end.state for end in ends]


def main() -> None:
    """Train with each number of bits; with none, all units are active."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    data, rule = sl.load("digits"), entry("hash").rule
    network = rule.network((data.train.n_inputs, options.hidden, data.train.n_classes))
    dropping = replace(entry("bp").rule, optimiser=rule.optimiser)
    print("| bits | tables | active (%) | test error (%) | dropout of as many (%) |\n|---|---|---|---|---|")
    with threadpool_limits(1):
        for bits in BITS:
            hashed = replace(rule, bits=bits)
            error, states = mean_error(network, hashed, data, options.seeds, options.epochs)
            share = fmean(hashed.shares(state, data.test.intensities(slice(None)))[0] for state in states)
            control = replace(network, units=Dropout(keep=share))
            other, _ = mean_error(control, dropping, data, options.seeds, options.epochs)
            print(f"| {bits} | {rule.tables} | {100 * share:.1f} | {error:.2f} | {other:.2f} |", flush=True)


if __name__ == "__main__":
    main()
