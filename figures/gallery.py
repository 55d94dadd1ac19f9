"""The tables of figures/README.md and README.md, from the committed results: published numbers beside ours, speeds.

python figures/gallery.py [RUNS]
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from frame import FIGURES, RESULTS
from learning import settled
from speed_table import machine, speed_table

IN_SHORT = 6  # of these rows in README.md, those that have a published number
NUMBERS = "<!-- numbers: made by figures/gallery.py -->", "<!-- end of numbers -->"
SPEED = "<!-- speed: made by figures/gallery.py -->", "<!-- end of speed -->"
MISSING, OURS = "not run yet", "not in the paper"
# Ours: of `beyond`, its final networks of 1,000 hidden neurons, tested once.
BEYOND = (("plateaus, best of ours, 1,000 hidden", "best-1000"), ("backprop, the same network", "backprop-1000"))
CITED = ("one-hidden", "two-hidden", "sparse", "symmetric", "symmetric-noisy")  # with hidden layers and their bias

# Row, published, experiment, condition; that in the reading of the text, where there is one, is in `readings`.
ERRORS = (
    ("no hidden layer", "8.3 %", "learning_curves", "no-hidden"),
    ("one hidden layer", "4.1 %", "learning_curves", "one-hidden"),
    ("one hidden layer, event engine", "-", "readings", "one-hidden-event"),
    ("two hidden layers", "3.2 %", "learning_curves", "two-hidden"),
    ("one, stochastic plateaus", "not hindered", "plateau_timing", "jittered-plateaus"),
    ("one, sparse feedback x 5", "3.7 %", "sparse_feedback", "sparse"),
    ("one, sparse x 1, 20 epochs", "worse than dense", "sparse_feedback", "sparse-unamplified"),
    ("one, symmetric feedback", "3.6 %", "symmetric_feedback", "symmetric"),
    ("one, symmetric with noise, drawn anew", "worse than random", "symmetric_feedback", "symmetric-noisy"),
    ("one, symmetric with noise that adds up (ours)", "-", "symmetric_feedback", "drifting"),
    ("two, g_apical = 0.05", "very little difference", "apical_conductance", "strong-attenuation"),
    ("two, g_apical = 0.6", "clearly worse", "apical_conductance", "weak-attenuation"),
)


def load(runs: Path, name: str) -> dict[str, Any] | None:
    """Return the results of an experiment, if there are any."""
    path = runs / f"{name}.json"
    return json.loads(path.read_text()) if path.is_file() else None


def over(values: list[float], digits: int = 2, unit: str = " %") -> str:
    """Return the mean, and the range of more than one value."""
    mean = f"{sum(values) / len(values):.{digits}f}{unit}"
    if len(values) == 1:
        return mean
    return f"{mean} ({min(values):.{digits}f} to {max(values):.{digits}f}; n = {len(values)})"


def error(report: dict[str, Any] | None, condition: str) -> str:
    """Return the test error of a condition: mean of the last ten epochs, SD over networks, and the last epoch."""
    if report is None or condition not in report["conditions"]:
        return MISSING
    curves = np.array(report["conditions"][condition]["test_error"])
    found, n = settled(curves), len(curves)
    sd = "" if n == 1 else f" ± {found.std(ddof=1):.2f}"
    return f"{found.mean():.2f}{sd} % (n = {n}; last epoch {curves[:, -1].mean():.2f})"


def once(found: dict[str, Any]) -> str:
    """Return the test error of networks that were tested once, at their end."""
    errors = np.array([network["error"] for network in found["networks"]])
    sd = "" if len(errors) == 1 else f" ± {errors.std(ddof=1):.2f}"
    return f"{errors.mean():.2f}{sd} % (n = {len(errors)}; after {found['epochs']} epochs)"


def rows(runs: Path) -> Iterator[tuple[str, str, str, str]]:
    """Yield row, published, cited, released, text."""
    readings, cited = load(runs, "readings"), load(runs, "cited")
    for label, published, experiment, condition in ERRORS:
        text = error(readings, f"{condition}-text") if experiment == "learning_curves" else "-"
        biased = error(cited, f"{condition}-cited") if condition in CITED else "-"
        yield f"{label}, test error", published, biased, error(load(runs, experiment), condition), text
    beyond = load(runs, "beyond")
    for label, name in BEYOND:
        found = None if beyond is None else beyond["final"].get(name)
        yield f"{label}, test error", OURS, "-", MISSING if found is None else once(found), "-"
    angles = load(runs, "angles")
    for label, published, name in (
        ("angle to backprop, spikes", "about 65, then 70", "one-hidden"),
        ("angle to backprop, rates", "about 35, then 40", "rate-feedback"),
    ):
        readings_of = (name + suffix for suffix in ("-cited", "", "-text"))
        cells = [MISSING if angles is None else angle(angles["conditions"][each]) for each in readings_of]
        yield f"{label}: lowest, then 10th epoch (degrees)", published, *cells
    report = load(runs, "contraction")
    cell = MISSING
    if report is not None:
        first = [run["mean of products"][0] for run in report["runs"]]
        end = [run["mean of products"][-1] for run in report["runs"]]
        cell = f"{over(first, unit='')}, then {over(end, unit='')}"
    yield "largest eigenvalue, first 100 examples and last of epoch 1", "falls below 1", "-", cell, "-"
    report = load(runs, "losses")
    cell = MISSING
    if report is not None:
        later = [r for run in report["conditions"]["one-hidden"] for epoch in run["r"][1:] for r in epoch]
        cell = f"{sum(later) / len(later):.2f} ({min(later):.2f} to {max(later):.2f})"
    yield "correlation of losses within a digit, epochs 2 to 10", "most 0.2 to 0.6", "-", cell, "-"


def angle(found: dict[str, Any]) -> str:
    """Return the lowest mean angle and that of the last epoch."""
    lowest = min(sum(means) / len(means) for means in zip(*(run["mean"] for run in found["runs"]), strict=True))
    return f"{lowest:.0f}, then {over([run['by_epoch'][-1] for run in found['runs']], 1, '')}"


def table(runs: Path, short: bool = False) -> str:
    """Return the table as Markdown; in short, its first rows with a published number, and ours beyond the paper."""
    lines = ["| | published | cited | released | text |", "|---|---|---|---|---|"]
    found = list(rows(runs))
    if short:
        found = [row for row in found if row[1].endswith("%")][:IN_SHORT] + [row for row in found if row[1] == OURS]
    lines += ["| " + " | ".join(row) + " |" for row in found]
    return "\n".join(lines)


def speed(runs: Path) -> str:
    """Return the table of speeds as Markdown, and what it was measured with."""
    report = load(runs, "speed")
    return MISSING if report is None else f"{speed_table(report)}\n\nMeasured by {machine(report)}."


def put(path: Path, marks: tuple[str, str], text: str) -> None:
    """Replace what stands between two lines of a file; end the program if they are not there, once each."""
    start, end = marks
    found = path.read_text()
    if found.count(start) != 1 or found.count(end) != 1:
        sys.exit(f"gallery: error: {path} must have the lines {start} and {end}, once each")
    path.write_text(f"{found.split(start)[0]}{start}\n{text}\n{end}{found.split(end)[1]}")


def main() -> None:
    """Write the tables into the gallery and the README."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("runs", nargs="?", type=Path, default=RESULTS, metavar="RUNS", help="folder of results")
    runs = parser.parse_args().runs
    put(FIGURES / "README.md", NUMBERS, table(runs))
    put(FIGURES.parent / "README.md", NUMBERS, table(runs, short=True))
    put(FIGURES.parent / "README.md", SPEED, speed(runs))
    print(table(runs))


if __name__ == "__main__":
    main()
