"""Rules side by side on a task that needs memory: a table, a picture, and a small file for each rule and seed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from spikelearn.errors import InputError, check_range
from spikelearn.origin import plain
from spikelearn.plotting.attempt import attempt
from spikelearn.plotting.temporal import save_comparison
from spikelearn.ratenet.streams import stream
from spikelearn.side_by_side import gather, write_result
from spikelearn.storage import write_text
from spikelearn.temporal import table
from spikelearn.temporal.cost import cost
from spikelearn.temporal.learning import DivergedError, evaluate, learn
from spikelearn.temporal.registry import Setting, rule, setting, with_controls

POINTS = 50  # of a curve


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What is compared.

    Parameters
    ----------
    task : str
        Of `registry.SETTINGS`.
    rules : tuple of str
        As `registry.rule` knows them; empty: the usual ones of the task. The exact gradient, where there is one, and
        the readout-only control of each kind of network are added.
    seeds : int
        Seeds 1 to `seeds`.
    steps : int, optional
        Of time; by default as many as the task usually gets.
    units : int, optional
        By default as many as the task usually gets.
    """

    task: str = "add"
    rules: tuple[str, ...] = ()
    seeds: int = 5
    steps: int | None = None
    units: int | None = None

    def __post_init__(self) -> None:
        known = setting(self.task)
        asked = self.rules or known.rules
        found = with_controls(asked, known.spiking)
        if len(set(found)) < len(found):
            raise InputError(f"rules {', '.join(asked)}: one is named twice")
        object.__setattr__(self, "rules", found)
        check_range("seeds", self.seeds, at_least=1, integer=True)
        for name, usual in (("steps", known.steps), ("units", known.n)):
            if getattr(self, name) is None:
                object.__setattr__(self, name, usual)
            check_range(name, getattr(self, name), at_least=1, integer=True)
        for name in self.rules:
            rule(name).check(known.network(name, self.units))

    @property
    def setting(self) -> Setting:
        """The task and its numbers."""
        return setting(self.task)

    @property
    def levels(self) -> dict[str, float]:
        """Losses to compare with, by name."""
        task = self.setting.task
        found = {"optimum": task.optimum, "chance": task.chance}
        return {name: value for name, value in found.items() if value is not None}

    def origin(self, name: str, seed: int) -> dict[str, Any]:
        """Return all that determines the result of a rule and a seed."""
        known = self.setting
        made_from = (known.task, known.network(name, self.units), rule(name), known.optimisers(name))
        return plain({"rule": name, "seed": seed, "steps": self.steps, "description": repr(made_from)})


def compare(
    comparison: Comparison, out: str | Path, *, jobs: int = 1, progress: Callable[[int, int], Any] | None = None
) -> list[dict[str, Any]]:
    """Train by every rule with every seed that `out` has no result of; write table and picture there, return results.

    Parameters
    ----------
    comparison : Comparison
    out : path
        Folder; made if needed. Results lie in ``results/<rule>-<seed>.json``, beside them ``table.txt``,
        ``table.csv`` and ``comparison.png``.
    jobs : int
        Processes at work; no influence on the results but for the seconds.
    progress : callable, optional
        Called with the number of results at hand and that of all.

    Raises
    ------
    InputError
        `out` holds results of another configuration.
    """
    folder, seeds = Path(out) / "results", range(1, comparison.seeds + 1)

    def work(name: str, seed: int) -> Callable[[], dict[str, Any]]:
        return partial(_work, comparison, folder, name, seed)

    results = gather(folder, comparison.rules, seeds, comparison.origin, work, jobs=jobs, progress=progress)
    write_report(results, out, comparison)
    return results


def write_report(results: Sequence[Mapping[str, Any]], out: str | Path, comparison: Comparison) -> None:
    """Write ``table.txt``, ``table.csv`` and ``comparison.png`` to a folder."""
    rows = table.rows(results)
    quality = comparison.setting.task.quality
    write_text(Path(out) / "table.txt", table.text(rows, quality, comparison.levels) + "\n")
    write_text(Path(out) / "table.csv", table.csv_text(rows))
    curves = {name: table.curve(found, "loss") for name, found in table.by_rule(results).items()}
    picture = Path(out) / "comparison.png"
    attempt(picture, save_comparison, picture, curves, comparison.levels, comparison.task)


def _work(comparison: Comparison, folder: Path, name: str, seed: int) -> dict[str, Any]:
    """Train by one rule with one seed, and write the result; in a process of its own where there are several jobs."""
    known, steps = comparison.setting, comparison.steps
    assert steps is not None  # set when it was made
    task, network, training = known.task, known.network(name, comparison.units), known.optimisers(name)
    result: dict[str, Any] = {"rule": name, "seed": seed, "points": [], "diverged": None, "held_out": None}
    with threadpool_limits(1):  # sums in the same order, hence the same bits, whatever runs beside
        (shown,) = islice(task.sequences(stream(seed, "cost"), 1), 1)
        result["stored"] = cost(network, rule(name), shown, repeats=0).stored
        try:
            for point in learn(
                network, rule(name), task, training, seed=seed, steps=steps, every=max(1, steps // POINTS)
            ):
                result["points"].append({key: getattr(point, key) for key in ("step", "loss", "quality", "seconds")})
            if hasattr(task, "held_out"):
                result["held_out"] = evaluate(point.state, task, task.held_out())
        except DivergedError as error:
            result["diverged"] = error.step
    write_result(folder, (name, seed), result, comparison.origin(name, seed))
    return result
