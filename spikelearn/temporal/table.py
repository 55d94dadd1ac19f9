"""From the results of a comparison to one row for each rule, as text and as CSV."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

Result = Mapping[str, Any]  # of one rule and seed, as in its file
Row = dict[str, Any]
LAST = 5  # the last fifth of the points counts: one point moves by the luck of its sequences
COLUMNS = ("rule", "seeds", "loss", "loss_sd", "quality", "held_out", "stored", "microseconds", "note")


def rows(results: Iterable[Result]) -> list[Row]:
    """Return one row for each rule, in the order in which the rules first appear; means are over seeds.

    A seed that diverged counts in `note` and nowhere else.
    """
    return [_row(rule, found) for rule, found in by_rule(results).items()]


def by_rule(results: Iterable[Result]) -> dict[str, list[Result]]:
    """Return the results of each rule."""
    found: dict[str, list[Result]] = {}
    for result in results:
        found.setdefault(result["rule"], []).append(result)
    return found


def settled(result: Result, key: str) -> float:
    """Return the mean of a number over the last fifth of the points."""
    points = result["points"]
    return fmean(point[key] for point in points[-max(1, len(points) // LAST) :])


def _row(rule: str, results: Sequence[Result]) -> Row:
    done = [result for result in results if result["diverged"] is None]
    losses = [settled(result, "loss") for result in done]
    held = [result["held_out"] for result in done if result["held_out"] is not None]
    return {
        "rule": rule,
        "seeds": len(results),
        "loss": fmean(losses) if losses else None,
        "loss_sd": stdev(losses) if len(losses) > 1 else None,
        "quality": fmean(settled(result, "quality") for result in done) if done else None,
        "held_out": fmean(held) if held else None,
        "stored": results[0]["stored"],
        "microseconds": fmean(_microseconds(result) for result in done) if done else None,
        "note": "; ".join(
            f"diverged at step {result['diverged']}" + (f" (seed {result['seed']})" if len(results) > 1 else "")
            for result in results
            if result["diverged"] is not None
        ),
    }


def _microseconds(result: Result) -> float:
    """Return what a step took."""
    points = result["points"]
    return 1e6 * sum(point["seconds"] for point in points) / points[-1]["step"]


def curve(results: Iterable[Result], key: str) -> tuple[list[int], list[float]]:
    """Return steps, and the mean over seeds of a number point by point; as long as the longest run."""
    runs = [result["points"] for result in results]
    longest: Sequence[Mapping[str, Any]] = max(runs, key=len, default=[])
    means = []
    for at in range(len(longest)):
        known = [run[at][key] for run in runs if at < len(run)]
        means.append(fmean(known) if known else math.nan)
    return [point["step"] for point in longest], means


def cells(row: Row) -> tuple[str, ...]:
    """Return what a line of the table says of a rule."""
    loss = "-" if row["loss"] is None else f"{row['loss']:.4f}"
    if row["loss_sd"] is not None:
        loss += f" +- {row['loss_sd']:.4f}"
    return (
        row["rule"],
        str(row["seeds"]),
        loss,
        "-" if row["quality"] is None else f"{row['quality']:.3g}",
        "-" if row["held_out"] is None else f"{row['held_out']:.3g}",
        f"{row['stored'] / 1024:.1f}",
        "-" if row["microseconds"] is None else f"{row['microseconds']:.0f}",
        row["note"],
    )


def head(quality: str) -> tuple[str, ...]:
    """Return the names of the columns of `cells`."""
    return ("rule", "n", "loss", quality, "held out", "stored (KiB)", "us/step", "")


def text(table: Sequence[Row], quality: str, levels: Mapping[str, float]) -> str:
    """Return the table to read: a line for each rule, and the levels below."""
    lines = [head(quality), *map(cells, table)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    found = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    found += [f"{name}: {value:.4f}" for name, value in levels.items()]
    return "\n".join(found)


def csv_text(table: Sequence[Row]) -> str:
    """Return the table as CSV; a cell is empty where there is no number."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in table:
        writer.writerow([row[name] for name in COLUMNS])
    return file.getvalue()
