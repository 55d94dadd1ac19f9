"""What a file was made from: kept in it, and compared before anything goes on with it."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from spikelearn.errors import InputError

_NOTHING = object()


class Described(dict[str, Any]):
    """A description as a mapping, and the keys at which it is as usual.

    A file of an earlier version, which did not know of such a key, was made with the usual value.
    """

    def __init__(self, mapping: Mapping[str, Any], usual: Iterable[str]) -> None:
        super().__init__(mapping)
        self.usual = frozenset(usual)


def plain(origin: Mapping[str, Any]) -> dict[str, Any]:
    """Return an origin as JSON gives it back; of what JSON does not know, a rule of one's own say, the class counts."""
    return read(write(origin))


def read(text: Any) -> dict[str, Any]:
    """Return the origin that a file kept as a text."""
    return json.loads(str(text))


def write(origin: Mapping[str, Any]) -> str:
    """Return the text that a file keeps."""
    return json.dumps(origin, default=lambda value: f"{type(value).__module__}.{type(value).__qualname__}")


def digest(*arrays: np.ndarray) -> str:
    """Return a hash of arrays: types, shapes and bits."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.dtype.str} {array.shape}".encode() + array.tobytes())
    return found.hexdigest()[:16]


def check_origin(what: str, found: Mapping[str, Any], wanted: Mapping[str, Any], remedy: str) -> None:
    """Raise `InputError` unless something was made from what is wanted now; it names the first difference.

    Parameters
    ----------
    what : str
        What is wrong if they differ: the beginning of the message.
    found, wanted : mapping
        Both of what JSON knows, nested or not; `found` may lack keys at which something `Described` is as usual.
    remedy : str
        The end of the message.
    """
    then, now, usual = dict(_leaves(found)), dict(_leaves(plain(wanted))), tuple(_usual(wanted))
    for key in [*now, *then]:
        a, b = then.get(key, _NOTHING), now.get(key, _NOTHING)
        if a is _NOTHING and f"{key}.".startswith(usual):
            continue
        if a != b:
            raise InputError(f"{what}: {key} is {_text(a)} there, now {_text(b)}; {remedy}")


def _leaves(mapping: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in mapping.items():
        nested = _mappings(value)
        if nested is None:
            yield f"{prefix}{key}", value
        else:
            yield from _leaves(nested, f"{prefix}{key}.")


def _usual(mapping: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield beginnings of the names of leaves that are as usual."""
    if isinstance(mapping, Described):
        yield from (f"{prefix}{key}." for key in mapping.usual)
    for key, value in mapping.items():
        yield from _usual(_mappings(value) or {}, f"{prefix}{key}.")


def _mappings(value: Any) -> Mapping[str, Any] | None:
    """Return a mapping, or a list of them by number; None if it is something else."""
    if isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
        return {str(i): each for i, each in enumerate(value)}
    return value if isinstance(value, Mapping) else None


def _text(value: Any) -> str:
    return "missing" if value is _NOTHING else repr(value)
