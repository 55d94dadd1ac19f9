"""What every experiment shares: its command line, its tasks side by side with a bar, the file of its results.

An experiment is a list of stages, each a list of tasks that do not wait for each other, and a function that turns what
they left in files into numbers. Tasks run in threads: the compiled kernels let go of the interpreter, so training runs
side by side all the same, and Ctrl-C reaches every one of them at the end of a chunk.
"""

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from threadpoolctl import threadpool_limits
from tqdm import tqdm

import spikelearn as sl
from spikelearn import origin, storage, workers

SEEDS = {"smoke": 1, "laptop": 1, "paper": 3}  # by scale
STOPPED = 130  # exit status after Ctrl-C

Tell = Callable[[int], None]  # so many examples are done; raises KeyboardInterrupt where the task has to stop


class Task(NamedTuple):
    """A part of an experiment that can be stopped and gone on with."""

    name: str
    size: int  # examples
    work: Callable[[Tell], Any]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What the command line says."""

    scale: str
    seeds: int
    jobs: int
    out: Path


Stages = Sequence[Sequence[Task]]


def main(
    name: str,
    text: str,
    stages: Callable[[Setting], Stages],
    measure: Callable[[Setting], dict[str, Any]],
    seeds: Mapping[str, int] = SEEDS,
) -> None:
    """Run an experiment from the command line, and exit.

    Parameters
    ----------
    name : str
        Of the file of results, without ending.
    text : str
        What is shown as help.
    stages : callable
        Returns the tasks, given the setting.
    measure : callable
        Returns the results, once all tasks are done.
    seeds : mapping of str to int
        How many by default, by scale.
    """
    try:
        setting = parse(text, seeds)
        began = time.monotonic()
        for stage in stages(setting):
            perform(stage, setting.jobs, name)
        path = write(setting, name, measure(setting), time.monotonic() - began)
    except sl.InputError as error:
        sys.exit(f"{name}: error: {error}")
    except OSError as error:  # a full disk, say
        sys.exit(f"{name}: failed: {error}")
    except KeyboardInterrupt:
        print(f"{name}: stopped; the same command goes on", file=sys.stderr)
        sys.exit(STOPPED)
    print(f"{name}: {path}")


def parse(text: str, usual: Mapping[str, int]) -> Setting:
    """Read the options that all experiments have; `usual` are the numbers of seeds by scale."""
    parser = argparse.ArgumentParser(description=text.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--scale", choices=SEEDS, default="smoke", help="seconds, minutes, or hours (default: smoke)")
    parser.add_argument("--seeds", type=int, help="of each kind at most (default: by scale)")
    parser.add_argument("--jobs", type=int, default=2, help="tasks side by side (default: 2)")
    parser.add_argument("--out", type=Path, help="folder of results (default: runs/experiments/SCALE)")
    options = parser.parse_args()
    seeds = usual[options.scale] if options.seeds is None else options.seeds
    for option, value in (("--seeds", seeds), ("--jobs", options.jobs)):
        if value < 1:
            parser.error(f"{option} {value} must be at least 1")
    out = options.out or Path("runs/experiments") / options.scale
    return Setting(scale=options.scale, seeds=seeds, jobs=options.jobs, out=out)


def perform(tasks: Sequence[Task], jobs: int, name: str) -> None:
    """Do tasks side by side, with a bar of all their examples; the first error stops the others and is raised."""
    stop = threading.Event()
    with tqdm(total=sum(task.size for task in tasks), unit="ex", unit_scale=True, desc=name, disable=None) as bar:

        def tell(n: int) -> None:
            bar.update(n)
            if stop.is_set():
                raise KeyboardInterrupt

        with threadpool_limits(1), ThreadPoolExecutor(jobs) as pool:  # sums in one order, whatever runs beside
            try:
                for _ in workers.do(tasks, lambda task: partial(task.work, tell), pool, at_once=jobs, tries=1):
                    pass
            finally:
                stop.set()


def write(setting: Setting, name: str, measured: dict[str, Any], seconds: float) -> Path:
    """Write the results, and what made them."""
    report = {
        "experiment": name,
        "command": f"python experiments/{name}.py --scale {setting.scale} --seeds {setting.seeds}",
        "scale": setting.scale,
        "seeds": setting.seeds,
        "date": time.strftime("%Y-%m-%d"),
        "spikelearn": sl.__version__,
        "machine": storage.machine(),
        "last_start_hours": round(seconds / 3600, 3),
        **measured,
    }
    path = setting.out / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    storage.write_text(path, json.dumps(report) + "\n")
    return path


def once(path: Path, made_from: Mapping[str, Any], make: Callable[[Tell], Any]) -> Callable[[Tell], None]:
    """Return work that writes what `make` returns as JSON, unless the file is there already.

    `InputError` if it is, but was made from something else.
    """

    def work(tell: Tell) -> None:
        if path.is_file():
            check_origin(path, json.loads(path.read_text()).get("made_from"), made_from)
            return
        result = make(tell)
        path.parent.mkdir(parents=True, exist_ok=True)
        storage.write_text(path, json.dumps({"made_from": made_from, "result": result}))

    return work


def read(path: Path) -> Any:
    """Return what the work of `once` left in a file."""
    return json.loads(path.read_text())["result"]


def check_origin(path: Path, found: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> None:
    """Raise `InputError` unless a file was made from what is wanted now."""
    origin.check_origin(
        f"{path} was made with another configuration", found or {}, wanted, "move it away or choose another --out"
    )


def rounded(values: ArrayLike, digits: int = 4) -> Any:
    """Return numbers with the significant digits that a picture shows, as nested lists."""
    return np.vectorize(lambda value: float(f"{value:.{digits}g}"), otypes=[float])(values).tolist()
