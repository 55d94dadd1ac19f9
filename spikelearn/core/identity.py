"""What compiled code is made of: a digest of functions and of all that they name, as they are in memory now.

numba knows a class by its name and a function by its object, and what a function names by the value that it had when
it was compiled. So a rule that is edited in a notebook, a number that it names, or two rules of one name would run as
what was compiled first. Files say less: one can be edited after it was imported.
"""

import builtins
import functools
import hashlib
import inspect
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NamedTuple

import numpy as np

CORE = Path(__file__).resolve().parent
_FIXED = (np, math, builtins)  # modules of which nothing changes


class Content(NamedTuple):
    """What some functions and classes are made of."""

    digest: str
    found: bool  # do other processes find all of it by name? If not, nothing compiled from it can be kept


def content(*things: Any) -> Content:
    """Return what functions and classes are made of; what is of the core counts by its name only."""
    reader = _Reader()
    digest = hashlib.sha256()
    for thing in things:
        for part in reader.parts(thing, ()):
            digest.update(part + b"\0")
    return Content(digest.hexdigest()[:16], reader.found)


def is_core(function: Any) -> bool:
    """Return whether a function is of the core, whose sources do not change while a process runs."""
    return _lies_in_core(function.__code__.co_filename)


def is_core_class(cls: type) -> bool:
    """Return whether a class is of the core."""
    return cls.__module__.startswith("spikelearn.core.")


@functools.cache
def _lies_in_core(path: str) -> bool:
    return Path(path).resolve().parent == CORE


class _Reader:
    """Reads what things are made of, each function once."""

    def __init__(self) -> None:
        self.found = True
        self._seen: set[int] = set()

    def parts(self, thing: Any, names: tuple[str, ...]) -> Iterator[bytes]:
        """Yield what a thing is made of; of a module, what these names mean in it."""
        thing = getattr(thing, "py_func", thing)
        if inspect.isfunction(thing):
            yield from self._function(thing)
        elif isinstance(thing, ModuleType):
            yield f"module {thing.__name__}".encode()
            if thing not in _FIXED and not _of_core(thing.__name__):
                for name in names:
                    if name in vars(thing):
                        yield name.encode()
                        yield from self.parts(vars(thing)[name], names)
        elif isinstance(thing, type):
            yield f"class {thing.__module__} {thing.__qualname__} {getattr(thing, '_fields', '')}".encode()
            self.found &= _is_found(thing)
        elif isinstance(thing, np.ndarray) and not thing.dtype.hasobject:
            yield f"array {thing.dtype.str} {thing.shape}".encode() + thing.tobytes()
        elif isinstance(thing, tuple):
            yield f"{type(thing).__qualname__} of {len(thing)}".encode()
            for item in thing:
                yield from self.parts(item, names)
        elif thing is None or isinstance(thing, bool | int | float | complex | str | bytes | np.generic):
            yield f"{type(thing).__name__} {thing!r}".encode()
        else:
            self.found &= type(thing).__module__ in sys.builtin_module_names or inspect.isbuiltin(thing)
            yield f"{type(thing).__qualname__} {_number_of(thing)}".encode()

    def _function(self, function: Any) -> Iterator[bytes]:
        yield f"function {function.__module__} {function.__qualname__}".encode()
        if id(function) in self._seen or is_core(function):
            return
        self._seen.add(id(function))
        self.found &= _is_found(function)
        yield _code(function.__code__)
        names = _names(function.__code__)
        yield from self.parts((function.__defaults__, *(function.__kwdefaults__ or {}).values()), names)
        for cell in function.__closure__ or ():
            yield from self.parts(cell.cell_contents, names)
        for name in names:
            if name in function.__globals__:
                yield name.encode()
                yield from self.parts(function.__globals__[name], names)


_kept: dict[int, Any] = {}


def _number_of(thing: Any) -> int:
    """Return a number that no other thing has in this process: the thing is kept, so its address stays its own."""
    _kept[id(thing)] = thing
    return id(thing)


def _of_core(module: str) -> bool:
    return module.startswith(f"{__package__}.")


@functools.cache
def _code(code: CodeType) -> bytes:
    """Return what a code object does; not where it stands."""
    parts = [code.co_code, repr((code.co_names, code.co_varnames, code.co_freevars, code.co_argcount)).encode()]
    for constant in code.co_consts:
        parts.append(_code(constant) if isinstance(constant, CodeType) else repr(constant).encode())
    return b"\0".join(parts)


@functools.cache
def _names(code: CodeType) -> tuple[str, ...]:
    """Return the names in a code object, and in those within it."""
    names = list(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names += _names(constant)
    return tuple(dict.fromkeys(names))


def _is_found(thing: Any) -> bool:
    """Return whether another process finds a function or class by its name; not what is typed or in a function."""
    if thing.__module__ == "__main__":
        return False
    value: Any = sys.modules.get(thing.__module__)
    for name in thing.__qualname__.split("."):
        value = getattr(value, name, None)
    return getattr(value, "py_func", value) is thing
