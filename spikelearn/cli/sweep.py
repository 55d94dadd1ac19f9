"""Train many settings with many seeds: a run folder each, and one table. The same command goes on."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spikelearn import clusters
from spikelearn.cli.arguments import runs_bar
from spikelearn.errors import check_range
from spikelearn.sweeps.estimate import estimate
from spikelearn.sweeps.grid import Grid, read
from spikelearn.sweeps.plan import plan
from spikelearn.sweeps.running import held, train_all
from spikelearn.sweeps.table import estimate_text, text

SLURM_JOBS = 100  # in the scheduler's queue at a time, if nothing else is said


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Return the folder and the rows of the table, or of what would be run."""
    grid, out = read(options.file), folder(options)
    planned = plan(grid)
    if options.dry_run:
        rows = estimate(planned, out)
        if not options.json:
            print(estimate_text(rows, jobs=options.jobs or 1))
        return {"folder": str(out), "rows": rows}
    with place(options, grid, out) as where, runs_bar(options.json) as show, going_on(), held(out):
        rows = train_all(planned, out, progress=show, **where)
    failed = [row for row in rows if row["state"] == "failed"]
    if not options.json:
        print(text(rows))
        print(f"table in {out / 'table.csv'}")
    for row in failed[:1]:
        more = f"; {len(failed)} runs failed" if len(failed) > 1 else ""
        print(
            f"spikelearn: {row['setting']}, seed {row['seed']}: {row['message']}{more}; the same command tries again",
            file=sys.stderr,
        )
    return {"folder": str(out), "rows": rows, "failed": len(failed)}


def folder(options: argparse.Namespace) -> Path:
    """Return where runs and table lie."""
    return Path(options.out if options.out is not None else Path("runs") / Path(options.file).stem)


@contextmanager
def place(options: argparse.Namespace, grid: Grid, out: Path) -> Iterator[dict[str, Any]]:
    """Yield where runs are done, and how many at a time, as `sweep` takes it."""
    if options.dask is not None:
        with clusters.dask(options.dask) as executor:
            yield {"executor": executor}
    elif options.slurm:
        asked = {"at_once": SLURM_JOBS, **grid.slurm}
        at_once = asked.pop("at_once")
        check_range("slurm.at_once", at_once, at_least=1, integer=True)
        yield {"executor": clusters.slurm(out.absolute() / "slurm", asked), "jobs": at_once}
    else:
        jobs = 1 if options.jobs is None else options.jobs
        check_range("jobs", jobs, at_least=1, integer=True)
        yield {"jobs": jobs}


@contextmanager
def going_on() -> Iterator[None]:
    """Say of Ctrl-C that the same command goes on."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt("stopped; the same command goes on") from None
