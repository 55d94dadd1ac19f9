"""Look for the best setting with Optuna, on held-out training images. The same command goes on."""

import argparse
import sys
from typing import Any

from spikelearn.cli.arguments import runs_bar
from spikelearn.cli.sweep import folder, going_on, place
from spikelearn.sweeps.grid import read
from spikelearn.sweeps.search import search
from spikelearn.sweeps.table import trials_text


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Return the folder, the trials, and the best of them."""
    grid, out = read(options.file), folder(options)
    at_once = options.at_once if options.at_once is not None else options.jobs or 1
    with place(options, grid, out) as where, runs_bar(options.json, "trial") as show, going_on():
        trials = search(grid, options.trials, out, at_once=at_once, progress=show, **where)
    done = [trial for trial in trials if trial["error"] is not None]
    best = min(done, key=lambda trial: trial["error"], default=None)
    if not options.json:
        print(trials_text(trials))
        print(f"runs and table in {out}")
    failed = len(trials) - len(done)
    if failed:
        print(
            f"spikelearn: {failed} trials failed, see {out / 'table.csv'}; the same command tries again",
            file=sys.stderr,
        )
    return {"folder": str(out), "best": best, "trials": trials, "failed": failed}
