"""Which past event caused this error: rules that carry credit through time, side by side. Resumable.

The add task, whose optimum is known, by every rule; pattern generation by e-prop; and what each rule stores and takes,
against the length of sequences and the number of units. Scales: ``smoke`` (seconds), ``laptop`` (one seed), ``paper``
(five). Writes ``temporal_credit.json`` and ``.md``, and in a folder of that name what ``spikelearn compare`` writes.

    python experiments/temporal_credit.py --scale paper
"""

import sys
import time
from typing import Any

import numpy as np
from harness import STOPPED, Setting, Tell, once, parse, read, rounded, write
from threadpoolctl import threadpool_limits

import spikelearn as sl
from spikelearn.cli.arguments import runs_bar
from spikelearn.temporal import table
from spikelearn.temporal.comparison import Comparison, compare
from spikelearn.temporal.cost import cost
from spikelearn.temporal.registry import rule, setting
from spikelearn.temporal.task import Sequences

NAME = "temporal_credit"
SEEDS = {"smoke": 1, "laptop": 1, "paper": 5}
TASKS: dict[str, dict[str, dict[str, Any]]] = {
    "smoke": {
        "add": {"steps": 300, "units": 8, "rules": ("rtrl", "uoro", "eprop")},
        "pattern": {"steps": 2000, "units": 8},
    },
    "laptop": {"add": {}, "pattern": {"steps": 100_000}},
    "paper": {"add": {}, "pattern": {}},
}
MOST_SEEDS = {"pattern": 3}  # its sequences are long
LENGTHS = {"smoke": (5, 10), "laptop": (10, 30, 100, 300), "paper": (10, 30, 100, 300, 1000)}
UNITS = {"smoke": (4, 8), "laptop": (8, 16, 32, 64), "paper": (8, 16, 32, 64, 128)}
MIDDLE = {"smoke": (5, 4), "laptop": (50, 32), "paper": (50, 32)}  # length and units, while the other varies
RULES = ("bptt", "tbptt-10", "rtrl", "snap-1", "snap-2", "rflo", "uoro", "kf-rtrl", "dni", "eprop", "readout")

# What each rule keeps of the past: n units, m senders (n + inputs + 1), T steps of a sequence, k that a unit reaches.
STORES = {
    "bptt": "T (n + m) activities",
    "tbptt": "as bptt, of one block",
    "sliding": "as bptt, of one window",
    "rtrl": "n n m influences",
    "snap-1": "n m traces",
    "snap-2": "k n m influences (sparse network, density 1/4)",
    "diagonal": "n (inputs + 2) traces (independent units)",
    "rflo": "n m traces, fixed feedback",
    "uoro": "n + n m: two factors",
    "kf-rtrl": "m + n n: two factors",
    "dni": "a map from activity to credit, n (n + 1)",
    "eprop": "n m traces (spiking network)",
    "readout": "nothing",
}


def scaling(scale: str, tell: Tell) -> list[dict[str, Any]]:
    """Measure bytes and seconds of a step, for each rule, length and number of units."""
    length, units = MIDDLE[scale]
    grid = [("length", size, size, units) for size in LENGTHS[scale]]
    grid += [("units", size, length, size) for size in UNITS[scale]]
    found = []
    for name in RULES:
        for kind, size, steps, n in grid:
            rng = np.random.default_rng(0)
            target = np.full((steps, 1, 2), 0.5)
            shown = Sequences(rng.random((steps, 1, 2)), target, np.ones(steps, bool))
            with threadpool_limits(1):
                measured = cost(setting("add").network(name, n), rule(name), shown)
            found.append({"rule": name, "kind": kind, "size": size, **measured._asdict()})
            tell(0)
    return found


def comparisons(chosen: Setting) -> dict[str, dict[str, Any]]:
    """Compare on each task; return results with as many digits as a picture shows."""
    found: dict[str, dict[str, Any]] = {}
    for task, numbers in TASKS[chosen.scale].items():
        seeds = min(chosen.seeds, MOST_SEEDS.get(task, chosen.seeds))
        comparison = Comparison(task=task, seeds=seeds, **numbers)
        with runs_bar(False) as show:
            results = compare(comparison, chosen.out / NAME / task, jobs=chosen.jobs, progress=show)
        found[task] = {
            "steps": comparison.steps,
            "units": comparison.units,
            "levels": comparison.levels,
            "quality": comparison.setting.task.quality,
            "rows": table.rows(results),
            "curves": [short(result) for result in results],
        }
        print(table.text(found[task]["rows"], found[task]["quality"], comparison.levels))
    return found


def short(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result without its seconds, a list for each number."""
    columns = {key: [point[key] for point in result["points"]] for key in ("step", "loss", "quality")}
    columns = {key: values if key == "step" else rounded(values) for key, values in columns.items()}
    return {**{key: result[key] for key in ("rule", "seed", "diverged")}, **columns}


def markdown(found: dict[str, dict[str, Any]]) -> str:
    """Return a table for each task."""
    lines = []
    for task, report in found.items():
        levels = ", ".join(f"{name} {value:.4f}" for name, value in report["levels"].items())
        lines += [f"## {task}: {report['units']} units, {report['steps']:,} steps; {levels}", ""]
        head = (*table.head(report["quality"])[:-2], "what is stored", "note")
        lines += [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
        for row in report["rows"]:
            stores = next((text for name, text in STORES.items() if row["rule"].startswith(name)), "")
            cells = table.cells(row)
            lines.append(f"| {' | '.join((*cells[:-2], stores, cells[-1]))} |")  # seconds are in the scaling
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Compare at a scale and write it all down."""
    chosen, began = parse(__doc__, SEEDS), time.monotonic()
    path = chosen.out / NAME / "scaling.json"
    origin = {
        "scale": chosen.scale,
        "rules": {name: repr((rule(name), setting("add").network(name))) for name in RULES},
    }
    try:
        once(path, origin, lambda tell: scaling(chosen.scale, tell))(lambda n: None)
        found = comparisons(chosen)
    except sl.InputError as error:
        sys.exit(f"{NAME}: error: {error}")
    except KeyboardInterrupt:
        print(f"{NAME}: stopped; the same command goes on", file=sys.stderr)
        sys.exit(STOPPED)
    report = write(chosen, NAME, {"comparisons": found, "scaling": read(path)}, time.monotonic() - began)
    report.with_suffix(".md").write_text(markdown(found))
    print(f"{NAME}: {report}")


if __name__ == "__main__":
    main()
