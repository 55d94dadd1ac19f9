"""Comparisons of rules, several in one experiment: each goes on where it was stopped, and is kept in short."""

import sys
import time
from collections.abc import Mapping
from typing import Any

from harness import STOPPED, Setting, parse, rounded, write
from tqdm import tqdm

import spikelearn as sl
from spikelearn.compare import Comparison, compare
from spikelearn.ratenet import table

SEEDS = {"smoke": 1, "laptop": 1, "paper": 3}


def main(name: str, text: str, comparisons: Mapping[str, Mapping[str, dict[str, Any]]]) -> None:
    """Compare from the command line, write the results, and exit.

    Parameters
    ----------
    name : str
        Of the experiment.
    text : str
        What is shown as help.
    comparisons : mapping
        By scale, and by the name of the comparison: what `Comparison` takes, but for the seeds; ``most_seeds`` besides.
    """
    setting, began = parse(text, SEEDS), time.monotonic()
    try:
        found = {each: _compared(setting, name, each, dict(n)) for each, n in comparisons[setting.scale].items()}
    except sl.InputError as error:
        sys.exit(f"{name}: error: {error}")
    except KeyboardInterrupt:
        print(f"{name}: stopped; the same command goes on", file=sys.stderr)
        sys.exit(STOPPED)
    path = write(setting, name, {"comparisons": found}, time.monotonic() - began)
    print(f"{name}: {path}")


def _compared(setting: Setting, name: str, each: str, numbers: dict[str, Any]) -> dict[str, Any]:
    seeds = min(setting.seeds, numbers.pop("most_seeds", setting.seeds))
    comparison = Comparison(seeds=seeds, engine=sl.Clock(), **numbers)
    with tqdm(unit="run", desc=each, disable=None, file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        results = compare(comparison, setting.out / name / each.replace(", ", "-"), jobs=setting.jobs, progress=show)
    print(table.text(table.rows(results)))
    return {
        "data": comparison.data,
        "sizes": comparison.sizes,
        "local": [repr(layer) for layer in comparison.local],
        "epochs": comparison.epochs,
        "results": [short(result) for result in results],
    }


def short(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result as far as pictures show it: errors by epoch, the angles of the last one, seconds of all."""
    epochs = result["epochs"]
    last = epochs[-1] if epochs else {"angle": [], "alignment": []}
    return {
        **{key: result[key] for key in ("rule", "seed", "diverged")},
        "test_error": rounded([epoch["test_error"] for epoch in epochs]) if epochs else [],
        "angle": [None if degrees is None else round(degrees, 1) for degrees in last["angle"]],
        "seconds": round(sum(epoch["seconds"] for epoch in epochs), 1),
    }
