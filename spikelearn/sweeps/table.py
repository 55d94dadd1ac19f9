"""The table of a sweep: a row a run, a column a key."""

import csv
import importlib.util
import io
import json
from collections.abc import Mapping
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from spikelearn.side_by_side import Result, Task
from spikelearn.storage import replacing, write_text
from spikelearn.sweeps.plan import Plan

MEASURED = (
    "state", "epochs_done", "train_error", "test_error", "mean_error", "seconds", "machine", "version", "message",
)  # fmt: skip


def rows(planned: Plan, found: Mapping[Task, Result]) -> list[dict[str, Any]]:
    """Return a row for each run that there is a result of: setting by setting, seed by seed."""
    return [
        {"setting": name, **setting.values, "seed": seed, **{key: found[name, seed].get(key) for key in MEASURED}}
        for name, setting in planned.settings.items()
        for seed in planned.seeds
        if (name, seed) in found
    ]


def write(planned: Plan, found: Mapping[Task, Result], out: Path) -> list[dict[str, Any]]:
    """Write ``table.csv``, ``table.json`` and, where pyarrow is installed, ``table.parquet``; return the rows."""
    table = rows(planned, found)
    columns = ["setting", *next(iter(planned.settings.values())).values, "seed", *MEASURED]
    lines = io.StringIO()
    writer = csv.DictWriter(lines, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    write_text(out / "table.csv", lines.getvalue())
    write_text(out / "table.json", json.dumps(table, indent=1) + "\n")
    if importlib.util.find_spec("pyarrow") is not None:
        _write_parquet(table, columns, out / "table.parquet")
    return table


def _write_parquet(table: list[dict[str, Any]], columns: list[str], path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    typed = {name: _of_one_type([row[name] for row in table]) for name in columns}
    with replacing(path) as temporary:
        parquet.write_table(pyarrow.table(typed), temporary)


def _of_one_type(column: list[Any]) -> list[Any]:
    """Return a column as it is, or as text where numbers, text and truth values are mixed in it."""
    kinds = {type(cell) if isinstance(cell, bool | str) else float for cell in column if cell is not None}
    return column if len(kinds) < 2 else [None if cell is None else str(cell) for cell in column]


def text(table: list[dict[str, Any]]) -> str:
    """Return a line for each setting: errors of its runs that ended, mean and standard deviation over seeds."""
    width = max(len(row["setting"]) for row in table)
    lines = [f"{'setting':{width}} {'runs':>5} {'test error (%)':>16} {'last ten epochs':>16} {'seconds':>9}"]
    for name in dict.fromkeys(row["setting"] for row in table):
        own = [row for row in table if row["setting"] == name]
        done = [row for row in own if row["state"] == "done"]
        cells = [_spread([row[key] for row in done]) for key in ("test_error", "mean_error")]
        seconds = sum(row["seconds"] or 0 for row in own)
        others = {state: sum(row["state"] == state for row in own) for state in ("diverged", "failed")}
        told = "".join(f", {n} {state}" for state, n in others.items() if n)
        lines.append(f"{name:{width}} {len(done):5} {cells[0]:>16} {cells[1]:>16} {seconds:9.1f}{told}")
    return "\n".join(lines)


def _spread(values: list[float]) -> str:
    if not values:
        return "-"
    spread = f" +- {stdev(values):.2f}" if len(values) > 1 else ""
    return f"{mean(values):.2f}{spread}"


def estimate_text(rows: list[dict[str, Any]], jobs: int) -> str:
    """Return a line for each setting that `estimate` returned, and what they come to with so many processes."""
    width = max(len(row["setting"]) for row in rows)
    lines = [f"{'setting':{width}} {'runs':>5} {'done':>5} {'begun':>6} {'epochs':>7} {'seconds':>9} {'MB':>8}"]
    lines += [
        f"{row['setting']:{width}} {row['runs']:5} {row['done']:5} {row['begun']:6} {row['epochs']:7} "
        f"{row['seconds']:9.1f} {row['bytes'] / 1e6:8.2f}"
        for row in rows
    ]
    left = sum(row["runs"] - row["done"] for row in rows)
    seconds, size = (sum(row[key] for row in rows) for key in ("seconds", "bytes"))
    lines.append(
        f"{left} runs to do: about {seconds / jobs:.0f} s with {jobs} process{'es' if jobs > 1 else ''}, "
        f"{size / 1e6:.1f} MB"
    )
    return "\n".join(lines)


def trials_text(trials: list[dict[str, Any]]) -> str:
    """Return a line for each trial of a search, the best marked."""
    best = min((trial["error"] for trial in trials if trial["error"] is not None), default=None)
    lines = [f"{'trial':>5} {'error (%)':>10}"]
    for trial in trials:
        values = ", ".join(f"{key}={value}" for key, value in trial.items() if key not in ("trial", "error"))
        error = "failed" if trial["error"] is None else f"{trial['error']:.2f}"
        lines.append(f"{trial['trial']:5} {error:>10}  {values}{'  (best)' if trial['error'] == best else ''}")
    return "\n".join(lines)
