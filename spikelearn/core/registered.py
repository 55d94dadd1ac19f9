"""Code by the type of the numbers that it is called with: rules, and plans for feedback weights.

A description hands the core a NamedTuple of numbers; what is done with them are kernels registered for its type, of the
package or of a user. They become part of a twin of the core's kernel, which is kept with what they are made of.
"""

import functools
import inspect
import threading
from collections import namedtuple
from collections.abc import Callable
from typing import Any, NamedTuple

from spikelearn.core.identity import content, is_core, is_core_class
from spikelearn.core.jit import Kernel, kernel, specialised
from spikelearn.core.records import is_record_class, record


class Registered(NamedTuple):
    """Kernels, None where there is nothing to do, and what they ask for, strings and numbers."""

    code: tuple[Any, ...]
    asks: Any


_REGISTERED: dict[type, Registered] = {}
_CLASSES: dict[str, type] = {}  # the class that numba is given for one, by the digest of what its code is made of
_CODE: dict[type, Registered] = {}  # of these classes
_MAKING = threading.Lock()


def register(numbers: type, *code: Callable[..., Any] | None, asks: Any = None) -> None:
    """Make kernels those of the NamedTuple class `numbers`; what is a plain function is compiled as one."""
    kernels = tuple(kernel(each) if inspect.isfunction(each) else each for each in code)
    _REGISTERED[numbers] = Registered(kernels, asks)


def registered(numbers: Any) -> Registered:
    """Return what is registered for a class; a TypeError names one for which nothing is."""
    found = _CODE.get(numbers) or _REGISTERED.get(numbers)
    if found is None:
        raise TypeError(f"no code is registered for {getattr(numbers, '__qualname__', numbers)}")
    return found


def code_of(numbers: type) -> tuple[Any, ...]:
    """Return what makes the code for a class: the class and its kernels."""
    return numbers, *registered(numbers).code


def with_code(compiled: Any, *numbers: Any) -> tuple[Any, list[Any]]:
    """Return the twin of a kernel of the core for some numbers' code as it is now, and the numbers to call it with.

    numba does not compile anew for a class that it has met. So the numbers come as a class that stands for what their
    code is made of: their own, or a twin where the code was edited since.
    """
    if not isinstance(compiled, Kernel):  # interpreted
        return compiled, list(numbers)
    with _MAKING:  # threads that train by the same rules share what one of them compiles
        classes = {cls: _present(cls) for cls in dict.fromkeys(map(type, numbers))}
        present = [each if (cls := classes[type(each)]) is type(each) else cls(*each) for each in numbers]
        return _twin(compiled, *dict.fromkeys(map(type, present))), present


@functools.cache
def _twin(compiled: Any, *classes: type) -> Any:
    return specialised(compiled, *(part for cls in classes for part in code_of(cls)))


def _present(cls: Any) -> Any:
    """Return the class that stands for a class's code as it is now."""
    now = _REGISTERED.get(cls) or registered(cls)
    digest = _digest(cls, now)
    known: Any = _CLASSES.get(digest)
    if known is None:
        known = _CLASSES[digest] = _class_like(cls) if cls in _CODE else cls
    _CODE[known] = now
    return known


def _digest(cls: Any, now: Registered) -> str:
    """Return what the code for a class is made of: the core's does not change, others' is looked at each time."""
    if is_core_class(cls) and all(each is None or is_core(each.py_func) for each in now.code):
        return _digest_of_core(cls, now)
    return content(cls, *now.code, now.asks).digest


@functools.cache
def _digest_of_core(cls: Any, now: Registered) -> str:
    return content(cls, *now.code, now.asks).digest


def _class_like(cls: Any) -> type:
    """Return a class that numba has not met, with the fields and the name of another."""
    make: Any = namedtuple
    twin = make(cls.__name__, cls._fields, module=cls.__module__)
    twin.__qualname__ = cls.__qualname__
    return record(twin) if is_record_class(cls) else twin
