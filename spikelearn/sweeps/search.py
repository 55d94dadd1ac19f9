"""The best setting, looked for by Optuna: each trial is a sweep of one setting, judged on held-out training images.

Which settings are tried follows from the grid, the number of trials at a time and the results, so a search that was
stopped goes on as if it never was. Comes with ``pip install 'spikelearn[search]'``.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from spikelearn import origin
from spikelearn.descriptions import to_kind
from spikelearn.errors import InputError, check_range
from spikelearn.extras import imported
from spikelearn.origin import check_origin
from spikelearn.paths import expanded
from spikelearn.sweeps.grid import Grid
from spikelearn.sweeps.plan import Plan, plan
from spikelearn.sweeps.running import held, train_all

JOURNAL = "search.journal"
SEED = 1  # of the draws of trials
WORST = 100.0  # %, the error of what diverged


def search(
    grid: Grid,
    trials: int,
    out: str | Path,
    *,
    at_once: int = 1,
    jobs: int | None = None,
    executor: Executor | None = None,
    progress: Callable[[int, int], Any] | None = None,
) -> list[dict[str, Any]]:
    """Try settings until so many trials are done; return a dict a trial, in the order in which they were asked for.

    A trial's ``error`` is the mean over seeds of the error, in percent, on the fifth of the training images that was
    held out, after the last epoch; `WORST` if a run diverged. No image to test on is used.

    Parameters
    ----------
    grid : Grid
        With one setting, and a space.
    trials : int
        Of all starts together.
    out : path
        Folder, as `sweep` has it; beside it the journal of Optuna.
    at_once : int
        Trials that are asked for before their results are known.
    jobs, executor
        As `sweep` takes them.
    progress : callable, optional
        Called with the number of trials done and that of all.

    Raises
    ------
    InputError
        Optuna is not installed, there is nothing to search, or `out` holds another search.
    """
    check_range("trials", trials, at_least=1, integer=True)
    check_range("at_once", at_once, at_least=1, integer=True)
    if not grid.space or len(grid.settings) > 1:
        raise InputError("a search needs a table [search] of what is varied, and neither [grid] nor [[settings]]")
    space, out = _Space(grid), expanded(out).absolute()
    report = progress or (lambda done, total: None)
    with held(out):
        return _search(space, trials, out, at_once, report, {"jobs": jobs, "executor": executor})


def _search(
    space: "_Space",
    trials: int,
    out: Path,
    at_once: int,
    report: Callable[[int, int], Any],
    how: Mapping[str, Any],
) -> list[dict[str, Any]]:
    study = _study(space, out)
    while len(done := space.trials(study, "COMPLETE")) < trials:
        report(len(done), trials)
        asked = _unfinished(space, study) or [_ask(space, study) for _ in range(min(at_once, trials - len(done)))]
        errors = _errors(space, asked, train_all(space.plan(asked), out, **how))
        for trial, error in zip(asked, errors, strict=True):
            if error is not None:
                study.tell(trial.number, error)
        if None in errors:
            return _rows(space, [*done, *asked], [trial.value for trial in done] + errors)
    report(len(done), trials)
    train_all(space.plan(done), out)  # nothing is left to be done but the table of all
    return _rows(space, done, [trial.value for trial in done])


class _Space:
    """What is varied, as Optuna has it, and back.

    Optuna knows numbers and text. Of a list of values the labels are its choices: the values themselves or, of lists
    and descriptions, what JSON makes of them.
    """

    def __init__(self, grid: Grid) -> None:
        self.grid, self.optuna = grid, imported("optuna", "search")
        lists = {name: given for name, given in grid.space.items() if not isinstance(given, Mapping)}
        self._values = {name: {_label(value): value for value in given} for name, given in lists.items()}
        self.distributions = {name: self._distribution(name, given) for name, given in grid.space.items()}
        self._check()

    def _distribution(self, name: str, given: Any) -> Any:
        known = self.optuna.distributions
        if name in self._values:
            return known.CategoricalDistribution(list(self._values[name]))
        whole = isinstance(given["low"], int) and isinstance(given["high"], int)
        return (known.IntDistribution if whole else known.FloatDistribution)(**given)

    def _check(self) -> None:
        """Raise `InputError` if a value of a list, or an end of a range, cannot be run."""
        ends = {
            name: list(given.values())[:2] if isinstance(given, Mapping) else list(given)
            for name, given in self.grid.space.items()
        }
        first = {name: values[0] for name, values in ends.items()}
        for name, values in ends.items():
            self._plan([first | {name: value} for value in values])

    def settings(self, trials: Sequence[Any]) -> dict[str, dict[str, Any]]:
        """Return what differs in the settings of trials, by the text of their numbers: equal ones are one setting."""
        return {
            _text(trial): {name: self._values.get(name, {}).get(v, v) for name, v in trial.params.items()}
            for trial in trials
        }

    def plan(self, trials: Sequence[Any]) -> Plan:
        """Return what is to be run for trials."""
        return self._plan(list(self.settings(trials).values()))

    def _plan(self, own: Sequence[Mapping[str, Any]]) -> Plan:
        settings = tuple({**self.grid.settings[0], **each} for each in own)
        return plan(replace(self.grid, settings=settings, varied=tuple(self.grid.space), space={}), held_out=True)

    def trials(self, study: Any, state: str) -> list[Any]:
        """Return the trials of a study that are in a state."""
        return study.get_trials(deepcopy=False, states=(self.optuna.trial.TrialState[state],))

    def origin(self) -> dict[str, Any]:
        """Return all that determines what is tried, but for the number of trials at a time."""
        values = {name: list(known) for name, known in self._values.items()}
        common = next(
            iter(self._plan([{name: _first(given) for name, given in self.grid.space.items()}]).settings.values())
        )
        return {"space": self.grid.space | values, "seeds": list(self.grid.seeds), "common": common.origin}


def _label(value: Any) -> Any:
    if isinstance(value, str | int | float):
        return value
    return json.dumps(to_kind(value) if is_dataclass(value) else value)


def _first(given: Any) -> Any:
    return given["low"] if isinstance(given, Mapping) else given[0]


def _text(trial: Any) -> str:
    return json.dumps(trial.params, sort_keys=True)


def _study(space: _Space, out: Path) -> Any:
    """Open the study in a folder, or begin one; `InputError` if it is another search's."""
    optuna, path = space.optuna, out / JOURNAL
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if path.exists():
        # A full disk may have left a line without its end, to which Optuna would append.
        os.truncate(path, path.read_bytes().rfind(b"\n") + 1)
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))
    study = optuna.create_study(storage=storage, study_name="search", load_if_exists=True)
    kept = study.user_attrs.get("origin")
    if kept is None:
        study.set_user_attr("origin", origin.write(space.origin()))
    else:
        check_origin(f"{path} is of another search", origin.read(kept), space.origin(), "choose another --out")
    return study


def _unfinished(space: _Space, study: Any) -> list[Any]:
    """Return the trials that were asked for and not done; what was not asked for completely is given up."""
    found = space.trials(study, "RUNNING")
    whole = [trial for trial in found if trial.params.keys() == space.distributions.keys()]
    for trial in found:
        if trial not in whole:
            study.tell(trial.number, state=space.optuna.trial.TrialState.FAIL)
    return whole


def _ask(space: _Space, study: Any) -> Any:
    """Ask for a trial, by draws that follow from its number."""
    seed = int(np.random.SeedSequence([SEED, len(study.get_trials(deepcopy=False))]).generate_state(1)[0])
    study.sampler = space.optuna.samplers.TPESampler(seed=seed)
    return study.ask(space.distributions)


def _errors(space: _Space, asked: Sequence[Any], table: Sequence[Mapping[str, Any]]) -> list[float | None]:
    """Return the mean error over seeds of each trial; None if a run failed."""
    names = dict(zip(space.settings(asked), dict.fromkeys(row["setting"] for row in table), strict=True))
    found = []
    for trial in asked:
        own = [row for row in table if row["setting"] == names[_text(trial)]]
        failed = any(row["state"] == "failed" for row in own)
        errors = [WORST if row["state"] == "diverged" else row["test_error"] for row in own]
        found.append(None if failed else float(np.mean(errors)))
    return found


def _rows(space: _Space, trials: Sequence[Any], errors: Sequence[float | None]) -> list[dict[str, Any]]:
    return [
        {"trial": trial.number, **{name: trial.params[name] for name in space.distributions}, "error": error}
        for trial, error in zip(trials, errors, strict=True)
    ]
