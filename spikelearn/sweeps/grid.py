"""A grid or list of settings, as a TOML file or a mapping has it: keys and values, not yet what they mean.

At the top stand what all settings have in common: options of ``spikelearn train``, any key of ``config.json``, and
``seeds``. The table ``[grid]`` has lists of values, every one with every other; ``[[settings]]`` are tables, one a
setting. Where there are both, each setting is combined with the grid.
"""

import itertools
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spikelearn.errors import InputError, check_range, described, wording
from spikelearn.paths import expanded

RANGE = ("low", "high", "log")  # keys of a range to search in


@dataclass(frozen=True, kw_only=True)
class Grid:
    """What is asked for.

    Attributes
    ----------
    settings : tuple of dict
        Keys and values of each setting, those of all included.
    varied : tuple of str
        Keys that may differ from setting to setting.
    seeds : tuple of int
    space : dict
        What is searched: lists of values, and ranges.
    slurm : dict
        What the scheduler of a cluster is asked for.
    """

    settings: tuple[dict[str, Any], ...]
    varied: tuple[str, ...]
    seeds: tuple[int, ...]
    space: dict[str, Any]
    slurm: dict[str, Any]


def read(source: Mapping[str, Any] | str | Path) -> Grid:
    """Return what a mapping or a TOML file asks for; `InputError` if it cannot be understood.

    Parameters
    ----------
    source : mapping, or path of a TOML file
    """
    content = dict(source) if isinstance(source, Mapping) else _file(expanded(source))
    seeds, slurm = _seeds(content.pop("seeds", 1)), _table(content, "slurm")
    space = {name: _checked_range(name, value) for name, value in _flat(_table(content, "search"))}
    axes = dict(_flat(_table(content, "grid")))
    listed = content.pop("settings", [{}])
    common = dict(_flat(content))
    if not isinstance(listed, list | tuple) or not all(isinstance(each, Mapping) for each in listed):
        raise InputError(f"settings must be a list of tables, each headed [[settings]]; got {described(listed)}")
    for name, values in axes.items():
        if not isinstance(values, list | tuple):
            raise InputError(
                f"grid.{name}={values!r} must be a list of values; what all settings share stands at the top"
            )
        if not values:
            raise InputError(
                f"grid.{name} is an empty list, so there is nothing to run; give it values or leave it out"
            )
    if not listed:
        raise InputError("settings is an empty list, so there is nothing to run; give it tables or leave it out")
    own = [dict(_flat(each)) for each in listed]
    varied = dict.fromkeys([*itertools.chain.from_iterable(own), *axes])
    for name in axes:
        if any(name in each for each in own):
            raise InputError(f"{name} stands in grid and in settings; leave it out of one of them")
    points = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    settings = tuple(common | each | point for each in own for point in points)
    return Grid(settings=settings, varied=tuple(varied), seeds=seeds, space=space, slurm=slurm)


def _file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"there is no file {path}; give one in TOML that says what to run") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} cannot be read as TOML: {wording(error)}") from error


def _table(content: dict[str, Any], name: str) -> dict[str, Any]:
    found = content.pop(name, {})
    if not isinstance(found, Mapping):
        raise InputError(f"{name}={found!r} must be a table, headed [{name}]")
    return dict(found)


def _seeds(given: Any) -> tuple[int, ...]:
    """Return seeds 1 to a number, or those of a list."""
    if not isinstance(given, list | tuple):
        check_range("seeds", given, at_least=1, integer=True)
        return tuple(range(1, given + 1))
    for seed in given:
        check_range("seeds", seed, at_least=0, integer=True)
    if not given or len(set(given)) < len(given):
        raise InputError(f"seeds={list(given)} must be a number of seeds, or a list of seeds that differ")
    return tuple(given)


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield keys with dots, and values: TOML reads ``hidden.g_apical = 0`` as a table in a table."""
    for name, value in table.items():
        if isinstance(value, Mapping) and "kind" not in value and not set(RANGE) & set(value):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _checked_range(name: str, given: Any) -> Any:
    """Return a list of values, or a range with all its keys."""
    where = f"search.{name}"
    if isinstance(given, list | tuple) and given:
        return given
    if not isinstance(given, Mapping) or not {"low", "high"} <= set(given) <= set(RANGE):
        raise InputError(
            f"{where}={given!r} must be a list of values, or a range such as {{low = 0.01, high = 1.0, log = true}}"
        )
    low, high, log = given["low"], given["high"], given.get("log", False)
    if not isinstance(log, bool):
        raise InputError(f"{where}.log={log!r} must be true or false")
    for end in (low, high):
        check_range(where, end, above=0 if log else None)
    if low >= high:
        raise InputError(f"{where}: low={low} must be below high={high}")
    return {"low": low, "high": high, "log": log}
