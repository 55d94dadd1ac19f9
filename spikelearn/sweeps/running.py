"""Runs many settings with many seeds, each in a run folder of its own, and keeps their results."""

import json
import platform
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from threadpoolctl import threadpool_limits

from spikelearn import runs
from spikelearn.descriptions import from_dict, to_dict
from spikelearn.errors import InputError, InputWarning, NotFiniteError, NotSettledError
from spikelearn.origin import check_origin
from spikelearn.paths import expanded
from spikelearn.side_by_side import Result, Task, results, write_result
from spikelearn.storage import RunFolder, version
from spikelearn.sweeps import table
from spikelearn.sweeps.grid import read
from spikelearn.sweeps.plan import Plan, part_of, plan

LAST = 10  # epochs over which the mean error is taken
TABLE_SECONDS = 10.0  # between two tables at least
PATIENCE = 10.0  # s for which a run folder may be held by a process whose parent was killed


def sweep(
    grid: Mapping[str, Any] | str | Path,
    out: str | Path,
    *,
    jobs: int | None = None,
    executor: Executor | None = None,
    progress: Callable[[int, int], Any] | None = None,
) -> list[dict[str, Any]]:
    """Train every setting with every seed that `out` has no result of.

    Parameters
    ----------
    grid : mapping, or path of a TOML file
        As `spikelearn.sweeps.grid` says; in a mapping, values may be descriptions, too: ``sl.SparseFeedback(gain=3)``.
    out : path
        Folder; made if needed. Run folders lie in ``runs/<setting>-<seed>``, results in ``results``, the table in
        ``table.csv``, ``table.json`` and, where pyarrow is installed, ``table.parquet``.
    jobs : int, optional
        Processes at work (default: 1), or tasks that an executor has at a time (default: all); no influence on the
        results.
    executor : Executor, optional
        With the interface of `concurrent.futures`, which does the work elsewhere: Dask's ``client.get_executor()``,
        one of submitit's. The folder has to be the same one there.
    progress : callable, optional
        Called with the number of runs done and that of all.

    Returns
    -------
    list of dict
        The table: a row for each run.

    Raises
    ------
    InputError
        Something of the grid cannot be run, or `out` holds other runs by the same names; nothing was begun then.
    """
    planned = plan(read(grid))
    with held(out):
        return train_all(planned, out, jobs=jobs, executor=executor, progress=progress)


@contextmanager
def held(out: str | Path) -> Iterator[None]:
    """Make a folder, and keep other sweeps out of it meanwhile; `InputError` if one is at it."""
    folder = RunFolder(out)
    folder.path.mkdir(parents=True, exist_ok=True)
    with folder.held():
        yield


def train_all(
    planned: Plan,
    out: str | Path,
    *,
    jobs: int | None = None,
    executor: Executor | None = None,
    progress: Callable[[int, int], Any] | None = None,
) -> list[dict[str, Any]]:
    """Do what `sweep` says to what is planned, in a folder that is `held`."""
    out = expanded(out).absolute()
    found: dict[Task, Result] = {}
    compiled: set[str] = set()

    def work(name: str, seed: int) -> Callable[[], Result]:
        config = planned.config(name, seed)
        if executor is None and (kind := _kind(config)) not in compiled:
            compiled.add(kind)  # once, before processes would do so side by side
            runs.compile_kernels(config, config.model.network.draw_weights(seed))
        return partial(_train, _Order((name, seed), config, planned.origin(name, seed), out))

    check_folders(planned, out)
    how: dict[str, Any] = {"jobs": jobs, "executor": executor, "progress": progress, "lost": _lost}
    written = time.monotonic()
    try:
        for task, result in results(
            out / "results", list(planned.settings), planned.seeds, planned.origin, work, **how
        ):
            found[task] = result
            if time.monotonic() - written > TABLE_SECONDS:
                table.write(planned, found, out)
                written = time.monotonic()
    finally:
        if found:  # else nothing was begun, and the table of before stays
            table.write(planned, found, out)
    return table.rows(planned, found)


def check_folders(planned: Plan, out: Path) -> None:
    """Raise `InputError` if a run folder without a result holds another run."""
    for name in planned.settings:
        for seed in planned.seeds:
            folder = RunFolder(run_path(out, name, seed))
            begun = (folder.path / "config.json").is_file()
            if begun and not (out / "results" / f"{name}-{seed}.json").is_file():
                config = from_dict(runs.Config, folder.config(), where=str(folder.path / "config.json"))
                there = {**runs.description(config), "epochs": config.epochs}
                wanted = {name: value for name, value in planned.origin(name, seed).items() if name != "images"}
                check_origin(f"{folder.path} holds another run", there, wanted, "choose another --out, or delete it")


def run_path(out: Path, name: str, seed: int) -> Path:
    """Return the run folder of a setting and a seed."""
    return out / "runs" / f"{name}-{seed}"


class _Order(NamedTuple):
    """All that a worker needs to know of a run."""

    task: Task
    config: runs.Config
    origin: Mapping[str, Any]
    out: Path


def _kind(config: runs.Config) -> str:
    """Return the same text for configurations that are compiled to the same: numbers left out."""

    def shape(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: shape(each) for key, each in value.items()}
        if isinstance(value, list):
            return [shape(each) for each in value]
        return value if isinstance(value, str | bool) else None

    described = to_dict(config)
    return json.dumps([shape(described["model"]), shape(described["engine"])])


def _train(order: _Order) -> Result:
    """Train, or go on; return a result, which is kept if the same would come of it again."""
    path = run_path(order.out, *order.task)
    # Sums in the same order, hence the same bits, whatever runs beside. Notes on images were made when it was planned.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", InputWarning)
        try:
            _opened(path, order.config).train()
            result = _result(order, "done")
        except (NotFiniteError, NotSettledError) as error:
            result = _result(order, "diverged", str(error))
        except Exception as error:
            return _result(order, "failed", f"{type(error).__name__}: {error}")
    write_result(order.out / "results", order.task, result, order.origin)
    return result


def _opened(path: Path, config: runs.Config) -> runs.Run:
    part = part_of(config)
    if not (path / "config.json").is_file():  # which is written last: what else is there was left by a kill
        return runs.Run.start(path, config, part, overwrite=True)
    _wait_for(RunFolder(path))
    return runs.Run.resume(path, data=part)


def _wait_for(folder: RunFolder) -> None:
    """Wait until nobody trains in a folder; `InputError` if somebody does so for longer than `PATIENCE`."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            with folder.held():
                return
        except InputError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def _lost(task: Task, error: BaseException) -> Result:
    """Return the result of a run whose process was lost twice."""
    return {"state": "failed", "message": f"its process was lost: {' '.join(str(error).split())[:200]}"}


def _result(order: _Order, state: str, message: str = "") -> Result:
    rows = RunFolder(run_path(order.out, *order.task)).metrics()
    errors = [row["test_error"] for row in rows]
    last = rows[-1] if rows else {}
    return {
        "state": state,
        "message": message,
        "epochs_done": len(rows),
        "train_error": last.get("train_error"),
        "test_error": last.get("test_error"),
        "mean_error": sum(errors[-LAST:]) / len(errors[-LAST:]) if errors else None,
        "seconds": round(sum(row["train_seconds"] + row["test_seconds"] for row in rows), 3),
        "machine": platform.node(),
        "version": _version(),
    }


@cache
def _version() -> str:
    return version()
