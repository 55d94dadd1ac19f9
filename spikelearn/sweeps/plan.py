"""What is to be run: a configuration for each setting, and a name, by which its folders are called.

All that can be refused is refused here, before the first run.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

from spikelearn import datasets, runs
from spikelearn.choices import Choice
from spikelearn.descriptions import from_dict, to_kind, value_of
from spikelearn.errors import InputError
from spikelearn.evaluation import check_fit
from spikelearn.paths import expanded
from spikelearn.sweeps.grid import Grid

OPTIONS = tuple(field.name for field in fields(Choice) if field.name != "seed")
LONGEST = 80  # characters of a name


@dataclass(frozen=True, kw_only=True, eq=False)
class Setting:
    """A setting.

    Attributes
    ----------
    name : str
        Differs from those of all others.
    values : dict
        Of the keys that may differ from setting to setting: numbers, text, truth values.
    config : Config
        With the first seed.
    origin : dict
        All that results follow from, but for the seed.
    """

    name: str
    values: dict[str, Any]
    config: runs.Config
    origin: dict[str, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """Settings by name, each to be run with all seeds."""

    settings: dict[str, Setting]
    seeds: tuple[int, ...]

    def config(self, name: str, seed: int) -> runs.Config:
        """Return the configuration of a run."""
        return replace(self.settings[name].config, seed=seed)

    def origin(self, name: str, seed: int) -> dict[str, Any]:
        """Return all that determines the result of a run."""
        return self.settings[name].origin | {"seed": seed}


def plan(grid: Grid, *, held_out: bool = False) -> Plan:
    """Return what is to be run; `InputError` if something of it cannot be.

    Parameters
    ----------
    grid : Grid
    held_out : bool
        Test on a fifth of the training images, as `Config` has it.
    """
    if grid.space:
        raise InputError("a table [search] is for spikelearn search; leave it out, or give lists in [grid]")
    settings: dict[str, Setting] = {}
    seen: dict[str, str] = {}
    for setting in grid.settings:
        own = {key: setting[key] for key in grid.varied if key in setting}
        name = _name(own)
        try:
            config = _config(setting, grid.seeds[0], held_out)
        except InputError as error:
            raise InputError(f"{name}: {error}" if own else str(error)) from error
        origin = _origin(config)
        made_from = json.dumps(origin, sort_keys=True)
        if made_from in seen:
            raise InputError(f"the settings {seen[made_from]} and {name} give the same run; leave one of them out")
        if name in settings:
            raise InputError(f"two settings that differ are called {name}; write their values otherwise")
        seen[made_from] = name
        values = {key: _shown(setting[key] if key in setting else _usual(config, key)) for key in grid.varied}
        settings[name] = Setting(name=name, values=values, config=config, origin=origin)
    return Plan(settings=settings, seeds=grid.seeds)


def part_of(config: runs.Config) -> runs.Part:
    """Return the images of a run; read and hashed once, however many runs there are with them."""
    stamp = datasets.stamp(config.data)
    return _part(config.data, config.scale, config.examples, config.held_out, stamp)


@lru_cache(maxsize=4)
def _part(source: str, scale: float | None, examples: int | None, held_out: bool, stamp: Any) -> runs.Part:
    return runs.part_of(_load(source, scale, stamp), examples, held_out)


@lru_cache(maxsize=2)
def _load(source: str, scale: float | None, stamp: Any) -> datasets.Dataset:
    return datasets.load(source, scale=scale)


def _config(setting: Mapping[str, Any], seed: int, held_out: bool) -> runs.Config:
    if "seed" in setting:
        raise InputError("seed stands among the settings; give seeds, a number of them or a list, at the top")
    if "network" not in setting:
        raise InputError('no network is named; write network = "one-hidden", say')
    chosen = {key: value for key, value in setting.items() if key in OPTIONS and not _is_engine(key, value)}
    if "hidden" in chosen:
        chosen["hidden"] = _sizes(chosen["hidden"])
    choice = from_dict(Choice, chosen, where="setting")
    changes = [(key, value) for key, value in setting.items() if key not in chosen]
    changes.sort(key=lambda each: not _names_class(each[1]))  # classes first: gain is a key once feedback is sparse
    if held_out:
        changes.append(("held_out", True))
    source = datasets.absolute(choice.data) if expanded(choice.data).exists() else choice.data
    data = _load(source, choice.scale, datasets.stamp(source))
    config = replace(choice.config(data, changes, others=(*OPTIONS, "seeds")), seed=seed)
    part = part_of(config)
    check_fit(config.model.network, part.data.train, "training")
    check_fit(config.model.network, part.data.test, "evaluation")
    return config


def _sizes(given: Any) -> Any:
    """Return a number of neurons, or numbers as text, as a list."""
    if isinstance(given, str) and re.fullmatch(r"\d+(,\d+)*", given):
        return [int(part) for part in given.split(",")]
    return [given] if isinstance(given, int) else given


def _is_engine(key: str, value: Any) -> bool:
    """Tell of an engine with numbers of its own, where an option names one."""
    return key == "engine" and not isinstance(value, str)


def _names_class(value: Any) -> bool:
    return any(map(_names_class, value)) if isinstance(value, list | tuple) else not isinstance(value, int | float)


def _usual(config: runs.Config, key: str) -> Any:
    """Return what a key is where a setting does not name it; None where it has no such key."""
    if key == "hidden":
        return list(config.model.network.sizes[1:-1])
    if key == "engine":
        return type(config.engine).__name__.lower()
    if key == "network":
        return config.name
    if key == "variant":
        return None
    try:
        return value_of(config, key)
    except InputError:  # of another class, which stands in its place here
        return None


def _shown(value: Any) -> Any:
    """Return a value as a cell of a table."""
    if isinstance(value, list | tuple):
        return ",".join(str(_shown(each)) for each in value)
    if isinstance(value, Mapping):
        return json.dumps(value)
    return value if isinstance(value, str | int | float | None) else json.dumps(to_kind(value))


def _origin(config: runs.Config) -> dict[str, Any]:
    described = {name: value for name, value in runs.description(config).items() if name != "seed"}
    return {**described, "epochs": config.epochs, "images": part_of(config).digests}


def _name(own: Mapping[str, Any]) -> str:
    """Return a name for a setting, of its values as they were written as far as folders may be called so.

    It depends on nothing else, so that a grid to which values are added goes on in the same folders.
    """
    written = ",".join(f"{key}={_short(value)}" for key, value in own.items()) or "run"
    cleaned = re.sub(r"[^\w.,=+-]", "_", written)[:LONGEST]
    return cleaned if cleaned == written else f"{cleaned}-{_digest(written)}"


def _short(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "-".join(map(_short, value))
    if isinstance(value, str | int | float):
        return str(value)
    described = dict(value) if isinstance(value, Mapping) else to_kind(value)
    return f"{described.get('kind', 'table')}-{_digest(json.dumps(described, sort_keys=True))}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
