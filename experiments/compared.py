"""Comparisons of rules, several in one experiment: each goes on where it was stopped, and is kept in short."""

from collections.abc import Mapping
from typing import Any

import harness
from harness import Setting, rounded

import spikelearn as sl
from spikelearn.cli.arguments import runs_bar
from spikelearn.compare import Comparison, compare
from spikelearn.ratenet import table


def main(name: str, text: str, comparisons: Mapping[str, Mapping[str, dict[str, Any]]]) -> None:
    """Compare from the command line, write the results, and exit.

    Parameters
    ----------
    name : str
        Of the experiment.
    text : str
        What is shown as help.
    comparisons : mapping
        By scale, and by the name of the comparison: what `Comparison` takes, but for the seeds.
    """

    def measure(setting: Setting) -> dict[str, Any]:
        chosen = comparisons[setting.scale].items()
        return {"comparisons": {each: _compared(setting, name, each, numbers) for each, numbers in chosen}}

    harness.main(name, text, lambda setting: [], measure)


def _compared(setting: Setting, name: str, each: str, numbers: Mapping[str, Any]) -> dict[str, Any]:
    comparison = Comparison(seeds=setting.seeds, engine=sl.Clock(), **numbers)
    print(each)
    with runs_bar(False) as show:
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
