"""Descriptions, frozen dataclasses, as what JSON knows, and back; and changed by what a user types.

Knows nothing of neurons, only dataclasses and dicts.
"""

import dataclasses
import functools
import sys
from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from spikelearn.errors import InputError, nearest
from spikelearn.kinds import kinds_of
from spikelearn.origin import Described

T = TypeVar("T")


def to_dict(description: Any) -> Described:
    """Turn a dataclass into a dict of what JSON knows.

    Tuples become lists. Where an annotation offers several dataclasses, ``"kind"`` names the one that is meant.
    """
    annotations = _annotations(type(description))  # type: ignore[arg-type]  # a class can be hashed
    values = {name: _to_json(annotation, getattr(description, name)) for name, annotation in annotations.items()}
    return Described(values, (name for name in values if getattr(description, name) == _usual(description, name)))


def to_kind(description: Any) -> Described:
    """Turn a dataclass into a dict as `to_dict` does where there is a choice: ``"kind"`` is its name."""
    described = to_dict(description)
    return Described({"kind": type(description).__name__, **described}, described.usual)


def from_dict(cls: type[T], mapping: Mapping[str, Any], where: str = "config") -> T:
    """Build a dataclass from what `to_dict` wrote; error messages call the mapping `where`.

    Fields may be int, float (given an int, too), str, bool, ``tuple[item, ...]``, dataclasses, and unions of these
    and None. Keys with a default may be missing.
    """
    if not isinstance(mapping, Mapping):
        raise InputError(f"{where}={mapping!r}: expected a mapping with the keys of {cls.__name__}")
    annotations = _annotations(cls)  # type: ignore[arg-type]
    for key in mapping:
        if key not in annotations:
            raise InputError(f"{where}.{key}: unknown key; {nearest(str(key), annotations)}")
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        needed = field.init and field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if needed and field.name not in mapping:
            raise InputError(f"{where}.{field.name}: missing key; expected {_type_name(annotations[field.name])}")
    values = {name: _from_json(annotations[name], value, f"{where}.{name}") for name, value in mapping.items()}
    try:
        return cls(**values)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def override(description: T, assignments: Iterable[str]) -> T:
    """Return a dataclass with some fields changed; it is validated once, after all assignments.

    An assignment is ``"network.hidden.g_apical=0.05"``, or the end of that name if only one field ends so. Values
    are numbers, true, false, none, text, ``0.1,0.2`` for a tuple, the name of a class where there is a choice, or the
    beginning of one, in small letters: ``sparse`` for SparseFeedback. ``hidden=hidden,hidden`` makes a tuple of two
    neurons; ``hidden.1.g_apical=0`` then is of the second, and ``learning_rates.1=0.1`` the second of the numbers.
    """
    changes = []
    for assignment in assignments:
        name, equals, text = (part.strip() for part in assignment.partition("="))
        if not equals:
            ends = _ends(name, _assignable(type(description), to_dict(description)))
            advice = f"write {name}=VALUE" if name in ends else f"write key=value; {nearest(name, ends)}"
            raise InputError(f"{assignment!r} has no '='; {advice}")
        changes.append((name, text))
    return change(description, changes)


def change(description: T, changes: Iterable[tuple[str, Any]], others: Iterable[str] = ()) -> T:
    """Return a dataclass with some fields changed; it is validated once, after all changes.

    Parameters
    ----------
    description : dataclass
    changes : iterable of (name, value)
        Names as in `override`; values too if they are text, else as a JSON file or `to_dict` has them, or dataclasses.
    others : iterable of str
        Names that a user might have meant, too: suggested for one that is unknown.
    """
    mapping = to_dict(description)
    known: dict[str, tuple[Any, Any]] = {}
    for name, value in changes:
        known = known or _assignable(type(description), mapping)
        full = _full_name(name, known, others)
        annotation, holder = known[full]
        holder[_key(full, holder)] = _given(annotation, value, full)
        if not isinstance(value, int | float):
            known = {}  # choosing a class changes the fields
    return from_dict(type(description), mapping)


def value_of(description: Any, name: str) -> Any:
    """Return what `to_dict` says of a field that is named as in `override`."""
    known = _assignable(type(description), to_dict(description))
    full = _full_name(name, known)
    return known[full][1][_key(full, known[full][1])]


def _full_name(name: str, known: Iterable[str], others: Iterable[str] = ()) -> str:
    matches = [name] if name in known else [full for full in known if full.endswith(f".{name}")]
    if not matches:
        raise InputError(f"{name}: unknown key; {nearest(name, [*others, *_ends(name, known)])}")
    if len(matches) > 1:
        raise InputError(f"{name} could be any of {', '.join(matches)}; write the full name")
    return matches[0]


def _ends(name: str, known: Iterable[str]) -> dict[str, None]:
    """Return ends with as many parts as were written: 'g_apicl' is near 'g_apical', far from the full name."""
    ends = dict.fromkeys(".".join(full.split(".")[-1 - name.count(".") :]) for full in known)
    return {end: None for end in ends if not end[0].isdigit()}


def _key(full: str, holder: Any) -> Any:
    last = full.rpartition(".")[2]
    return int(last) if isinstance(holder, list) else last


def _usual(description: Any, name: str) -> Any:
    """Return the default of a field; what nothing equals if there is none."""
    field = type(description).__dataclass_fields__[name]
    if field.default is not dataclasses.MISSING:
        return field.default
    return object() if field.default_factory is dataclasses.MISSING else field.default_factory()


@functools.cache
def _annotations(cls: Any) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls) if field.init}


def _options(annotation: Any) -> tuple[tuple[Any, ...], dict[str, Any], Any]:
    """Take a union apart: its members, the dataclasses among them by name, the items of a tuple among them.

    Classes of a user's own come after the built-in ones in whose place they may stand.
    """
    options, built_in, places, item = _parts(annotation)
    classes = dict(built_in)
    for place in places:
        classes |= kinds_of(place)
    return options, classes, item


@functools.cache  # of hundreds of configurations, the same few hundred annotations are asked for
def _parts(annotation: Any) -> tuple[tuple[Any, ...], dict[str, Any], tuple[Any, ...], Any]:
    """Return what `_options` does without a user's classes, and where these may stand."""
    options = _members(annotation)
    places = tuple(each for each in options if isinstance(each, type))
    classes = {each.__name__: each for each in places if dataclasses.is_dataclass(each)}
    return options, classes, places, next((get_args(each)[0] for each in options if get_origin(each) is tuple), None)


def _members(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _only(annotation: Any) -> Any:
    """Return the built-in class that stands here where there is no choice of them."""
    classes = [each for each in _members(annotation) if dataclasses.is_dataclass(each)]
    return classes[0] if len(classes) == 1 else None


def _type_name(annotation: Any) -> str:
    return annotation.__name__ if type(annotation) is type else str(annotation)


def plain(value: Any) -> Any:
    """Return a number of NumPy's as one of Python's; anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def _to_json(annotation: Any, value: Any) -> Any:
    _, classes, item = _options(annotation)
    if dataclasses.is_dataclass(value):
        return to_dict(value) if _only(annotation) is type(value) else to_kind(value)
    if isinstance(value, tuple | list):
        return [_to_json(item, each) for each in value]
    return plain(value)


def _from_json(annotation: Any, value: Any, where: str) -> Any:
    options, classes, item = _options(annotation)
    if classes and isinstance(value, Mapping):
        only = _only(annotation)
        if only is not None and "kind" not in value:
            return from_dict(only, value, where)
        kind = str(value.get("kind"))
        if kind not in classes:
            problem = f"unknown kind {kind!r}" if "kind" in value else "missing key 'kind'"
            raise InputError(
                f"{where}: {problem}; {nearest(kind, classes)}. A class of one's own is made known by "
                f"spikelearn.register, on the command line by --import MODULE"
            )
        return from_dict(classes[kind], {key: each for key, each in value.items() if key != "kind"}, where)
    if item is not None and isinstance(value, list | tuple):
        return tuple(_from_json(item, each, f"{where}[{i}]") for i, each in enumerate(value))
    if type(value) in options:  # exactly: a bool is no int here
        return value
    if float in options and type(value) is int and abs(value) <= sys.float_info.max:
        return float(value)
    raise InputError(f"{where}={value!r}: expected {_type_name(annotation)}, got {type(value).__name__}")


def _from_text(annotation: Any, text: str, where: str) -> Any:
    """Turn what a user typed for the field `where` into what JSON would hold; `from_dict` judges it."""
    options, classes, item = _options(annotation)
    words = {"none": None, "true": True, "false": False}
    if text.lower() in words and type(words[text.lower()]) in options:
        return words[text.lower()]
    if classes and item is not None and "," in text:
        return [_from_text(item, part.strip(), where) for part in text.split(",")]
    short = text.lower().replace("-", "").replace("_", "")
    chosen = [name for name in classes if name == text] or [name for name in classes if name.lower().startswith(short)]
    if len(chosen) == 1:
        return {} if _only(annotation) is classes[chosen[0]] else {"kind": chosen[0]}
    if classes:
        raise InputError(f"{where}={text!r} is no choice here; {nearest(text, classes)}")
    if item is not None:
        parts = text.strip("()[] ").removesuffix(",")
        return [_from_text(item, part.strip(), where) for part in parts.split(",")] if parts else []
    if str not in options:
        for number in (int, float):
            try:
                return number(text)
            except ValueError:
                continue
    return text


def _given(annotation: Any, value: Any, where: str) -> Any:
    """Turn what a file or a caller has for the field `where` into what JSON would hold; `from_dict` judges it."""
    item = _options(annotation)[2]
    if isinstance(value, str):
        return _from_text(annotation, value, where)
    if isinstance(value, list | tuple) and item is not None:
        return [_given(item, each, f"{where}[{i}]") for i, each in enumerate(value)]
    return _to_json(annotation, value)


def _assignable(cls: Any, mapping: dict[str, Any], prefix: str = "") -> dict[str, tuple[Any, Any]]:
    """Map every dotted name that can be assigned to its annotation and the dict or list that holds its value."""
    found: dict[str, tuple[Any, Any]] = {}
    for name, annotation in _annotations(cls).items():
        options, classes, item = _options(annotation)
        value = mapping.get(name)
        if len(options) > 1 or len(classes) != 1:
            found[prefix + name] = (annotation, mapping)
        # One description, or a list of them: hidden.g_apical, hidden.1.g_apical; or of numbers: learning_rates.1.
        nested = {name: value} if not isinstance(value, list) else {f"{name}.{i}": each for i, each in enumerate(value)}
        if isinstance(value, list):
            found |= {prefix + key: (item, value) for key, each in nested.items() if not isinstance(each, dict)}
        for key, each in nested.items():
            if isinstance(each, dict):
                chosen = classes[each["kind"]] if "kind" in each else _only(annotation)
                found |= _assignable(chosen, each, f"{prefix}{key}.")
    return found
