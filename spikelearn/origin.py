"""What a file was made from: kept in it, and compared before anything goes on with it."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from spikelearn.errors import InputError

_NOTHING = object()


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
        Both of what JSON knows, nested or not.
    remedy : str
        The end of the message.
    """
    then, now = dict(_leaves(found)), dict(_leaves(plain(wanted)))
    for key in [*now, *then]:
        a, b = then.get(key, _NOTHING), now.get(key, _NOTHING)
        if a != b:
            raise InputError(f"{what}: {key} is {_text(a)} there, now {_text(b)}; {remedy}")


def _leaves(mapping: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in mapping.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _text(value: Any) -> str:
    return "missing" if value is _NOTHING else repr(value)
