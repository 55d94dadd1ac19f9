"""Many learners side by side: a small file for each, written when it is done, so that a second start goes on.

What a file holds follows from its origin and the seed, whatever the number of jobs (but for the seconds).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed

from spikelearn.errors import InputError, check_range
from spikelearn.origin import check_origin
from spikelearn.storage import write_text

Result = dict[str, Any]  # with "rule" and "seed"


def gather(
    folder: Path,
    names: Sequence[str],
    seeds: int,
    origin: Callable[[str, int], Mapping[str, Any]],
    work: Callable[[str, int], Result],
    *,
    jobs: int = 1,
    progress: Callable[[int, int], Any] | None = None,
) -> list[Result]:
    """Do what `folder` has no result of; return all results, those of a learner one after the other.

    Parameters
    ----------
    folder : Path
        Made if needed. Results lie in ``<name>-<seed>.json``.
    names : sequence of str
        Of the learners.
    seeds : int
        Seeds 1 to `seeds`; each of all learners before the next one.
    origin : callable
        All that determines a result.
    work : callable
        Returns a result, having written it with `write_result`; called in a process of its own where there are
        several jobs.
    jobs : int
        Processes at work; no influence on the results.
    progress : callable, optional
        Called with the number of results at hand and that of all.

    Raises
    ------
    InputError
        `folder` holds results of another origin.
    """
    check_range("jobs", jobs, at_least=1, integer=True)
    tasks = [(name, seed) for seed in range(1, seeds + 1) for name in names]
    done = {task: found for task in tasks if (found := _read(_path(folder, *task), origin(*task))) is not None}
    missing = [task for task in tasks if task not in done]
    folder.mkdir(parents=True, exist_ok=True)
    report = progress or (lambda done, total: None)
    report(len(done), len(tasks))
    pool = Parallel(n_jobs=min(jobs, max(1, len(missing))), return_as="generator_unordered")
    for result in pool(delayed(work)(*task) for task in missing):
        done[result["rule"], result["seed"]] = result
        report(len(done), len(tasks))
    return [done[name, seed] for name in names for seed in range(1, seeds + 1)]


def write_result(folder: Path, result: Result, origin: Mapping[str, Any]) -> None:
    """Write a result with its origin."""
    text = json.dumps({**result, "task": origin}) + "\n"
    write_text(_path(folder, result["rule"], result["seed"]), text)


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
        raise InputError(f"{path} cannot be read ({error}); delete it to have it computed again") from error
    check_origin(
        f"{path} is of another comparison",
        found,
        wanted,
        "choose another --out, or delete it to have it computed again",
    )
    return result
