"""Many learners side by side: a small file for each, written when it is done, so that a second start goes on.

What a file holds follows from its origin and the seed, whatever does the work (but for the seconds).
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from spikelearn import workers
from spikelearn.errors import InputError, check_range, wording
from spikelearn.origin import check_origin
from spikelearn.storage import write_text

Result = dict[str, Any]
Task = tuple[str, int]  # name of the learner, seed


def gather(
    folder: Path,
    names: Sequence[str],
    seeds: Sequence[int],
    origin: Callable[[str, int], Mapping[str, Any]],
    work: Callable[[str, int], Callable[[], Result]],
    **how: Any,
) -> list[Result]:
    """Do what `folder` has no result of; return all results, those of a learner one after the other.

    Parameters and errors are those of `results`.
    """
    found = dict(results(folder, names, seeds, origin, work, **how))
    return [found[name, seed] for name in names for seed in seeds]


def results(
    folder: Path,
    names: Sequence[str],
    seeds: Sequence[int],
    origin: Callable[[str, int], Mapping[str, Any]],
    work: Callable[[str, int], Callable[[], Result]],
    *,
    jobs: int | None = 1,
    executor: Executor | None = None,
    lost: Callable[[Task, BaseException], Result] | None = None,
    progress: Callable[[int, int], Any] | None = None,
) -> Iterator[tuple[Task, Result]]:
    """Yield tasks with the results that `folder` has, then do the others, and yield them as they come.

    Parameters
    ----------
    folder : Path
        Made if needed. Results lie in ``<name>-<seed>.json``.
    names : sequence of str
        Of the learners.
    seeds : sequence of int
        Each of all learners before the next one.
    origin : callable
        All that determines a result.
    work : callable
        Returns a function without arguments that does it and returns a result, having written it with `write_result`;
        that is called in a process of its own, unless there is one job and no executor.
    jobs : int or None
        Tasks that are done at a time; no influence on the results. None: with an executor, all that it takes.
    executor : Executor, optional
        Where they are done; by default here, in so many processes.
    lost : callable, optional
        As `workers.do` takes it.
    progress : callable, optional
        Called with the number of results at hand and that of all.

    Raises
    ------
    InputError
        `folder` holds results of another origin.
    """
    if jobs is not None:
        check_range("jobs", jobs, at_least=1, integer=True)
    tasks = [(name, seed) for seed in seeds for name in names]
    done = {task: found for task in tasks if (found := _read(_path(folder, *task), origin(*task))) is not None}
    missing = [task for task in tasks if task not in done]
    folder.mkdir(parents=True, exist_ok=True)
    report = progress or (lambda done, total: None)
    n = len(done)
    report(n, len(tasks))
    yield from done.items()
    at_once = min(jobs or (len(tasks) if executor else 1), max(1, len(missing)))
    own = workers.Here() if at_once == 1 else workers.Processes(at_once)
    with own if executor is None else nullcontext(executor) as place:
        for task, result in workers.do(missing, lambda task: work(*task), place, at_once=at_once, lost=lost):
            n += 1
            report(n, len(tasks))
            yield task, result


def write_result(folder: Path, task: Task, result: Result, origin: Mapping[str, Any]) -> None:
    """Write a result with its origin."""
    write_text(_path(folder, *task), json.dumps({**result, "task": origin}) + "\n")


def _path(folder: Path, name: str, seed: int) -> Path:
    return folder / f"{name}-{seed}.json"


def _read(path: Path, wanted: Mapping[str, Any]) -> Result | None:
    """Return the result that is at hand, if any; `InputError` if it is of another origin."""
    if not path.exists():
        return None
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        found = result.pop("task")
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} cannot be read ({wording(error)}); delete it to have it computed again") from error
    check_origin(
        f"{path} is of another comparison",
        found,
        wanted,
        "choose another --out, or delete it to have it computed again",
    )
    return result
