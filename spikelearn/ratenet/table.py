"""From the results of a comparison to one row for each rule, as text and as CSV."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

Result = Mapping[str, Any]  # of one rule and seed, as in its file
Row = dict[str, Any]
STILL_LEARNING = 0.1  # of its error, gained in the last epoch


def rows(results: Iterable[Result]) -> list[Row]:
    """Return one row for each rule, in the order in which the rules first appear; means are over seeds.

    A seed that diverged counts in `note` and nowhere else. Angles are lists, a number or None for each hidden layer.
    """
    by_rule: dict[str, list[Result]] = {}
    for result in results:
        by_rule.setdefault(result["rule"], []).append(result)
    return [_row(rule, found) for rule, found in by_rule.items()]


def _row(rule: str, results: Sequence[Result]) -> Row:
    done = [result for result in results if result["diverged"] is None]
    last = [result["epochs"][-1] for result in done]
    errors = [epoch["test_error"] for epoch in last]
    return {
        "rule": rule,
        "seeds": len(results),
        "test_error": fmean(errors) if errors else None,
        "test_error_sd": stdev(errors) if len(errors) > 1 else None,
        "seconds": fmean(sum(e["seconds"] for e in result["epochs"]) for result in done) if done else None,
        "angle": _layers([epoch["angle"] for epoch in last]),
        "alignment": _layers([epoch["alignment"] for epoch in last]),
        "note": "; ".join([*_divergences(results), *_gains(done)]),
    }


def _divergences(results: Sequence[Result]) -> list[str]:
    return [
        f"diverged at epoch {result['diverged']}" + (f" (seed {result['seed']})" if len(results) > 1 else "")
        for result in results
        if result["diverged"] is not None
    ]


def _gains(done: Sequence[Result]) -> list[str]:
    """Say so where training was stopped long before its end: such numbers tell how fast a rule is, not how good."""
    before, last = ([r["epochs"][k]["test_error"] for r in done if len(r["epochs"]) > 1] for k in (-2, -1))
    if not last or fmean(before) - fmean(last) < STILL_LEARNING * fmean(last):
        return []
    return [f"still learning: the last epoch took {fmean(before) - fmean(last):.1f} points"]


def _layers(degrees: Sequence[Sequence[float | None]]) -> list[float | None]:
    """Return the mean over seeds for each hidden layer; None where no seed has a number."""
    columns = ([value for value in column if value is not None] for column in zip(*degrees, strict=True))
    return [fmean(column) if column else None for column in columns]


def curve(results: Iterable[Result], key: str, layer: int | None = None) -> list[float]:
    """Return the mean over seeds of `test_error`, or of an angle of one hidden layer, epoch by epoch.

    NaN where no seed has a number; as long as the longest run.
    """
    runs = [[epoch[key] if layer is None else epoch[key][layer] for epoch in r["epochs"]] for r in results]
    longest = max(map(len, runs), default=0)
    means = []
    for epoch in range(longest):
        known = [run[epoch] for run in runs if epoch < len(run) and run[epoch] is not None]
        means.append(fmean(known) if known else math.nan)
    return means


HEAD = ("rule", "n", "test error (%)", "seconds", "angle to backprop (deg)", "weight angle (deg)", "")


def cells(row: Row) -> tuple[str, ...]:
    """Return what a line of the table says of a rule, as in `HEAD`."""
    error = "-" if row["test_error"] is None else f"{row['test_error']:.2f}"
    if row["test_error_sd"] is not None:
        error += f" +- {row['test_error_sd']:.2f}"
    seconds = "-" if row["seconds"] is None else f"{row['seconds']:.1f}"
    return (
        row["rule"],
        str(row["seeds"]),
        error,
        seconds,
        _degrees(row["angle"]),
        _degrees(row["alignment"]),
        row["note"],
    )


def text(table: Sequence[Row]) -> str:
    """Return the table to read: a line for each rule."""
    lines = [HEAD, *map(cells, table)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _degrees(values: Sequence[float | None]) -> str:
    """Write a number for each hidden layer, lowest first."""
    return " ".join("-" if value is None else f"{value:.0f}" for value in values) or "-"


def csv_text(table: Sequence[Row]) -> str:
    """Return the table as CSV, a column for each angle; a cell is empty where there is no number."""
    hidden = max((len(row[key]) for row in table for key in ("angle", "alignment")), default=0)
    names = ["rule", "seeds", "test_error", "test_error_sd", "seconds"]
    spread = {key: [f"{key}_{layer + 1}" for layer in range(hidden)] for key in ("angle", "alignment")}
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*names, *spread["angle"], *spread["alignment"], "note"])
    for row in table:
        degrees = [(list(row[key]) + [None] * hidden)[:hidden] for key in ("angle", "alignment")]
        writer.writerow([*(row[name] for name in names), *degrees[0], *degrees[1], row["note"]])
    return file.getvalue()
