"""Classes that may stand in one place of a description, the package's and a user's own, by name: files hold names.

A place is a protocol such as `Rule`, or a class of which the package has one, such as `HiddenNeuron`. A class that is
registered like one of a place stands in the place, too.
"""

from collections.abc import Callable
from typing import TypeVar

from spikelearn.errors import InputError, described

Kind = TypeVar("Kind", bound=type)

_LIKE: dict[type, dict[str, type]] = {}  # what may stand wherever a class or protocol may


def register(*, like: type) -> Callable[[Kind], Kind]:
    """Let a class of a user stand wherever one of the package may, in configurations and their files, too.

    A decorator for a frozen dataclass: ``@spikelearn.register(like=spikelearn.Plateau)``. A file keeps the class's name
    and fields; to read it, the class must be registered before, on the command line by ``--import MODULE``.

    Parameters
    ----------
    like : type
        A class of the package that can stand in the same place, or the protocol of that place.

    Returns
    -------
    callable
        A decorator that registers a class and returns it.

    Raises
    ------
    InputError
        It is no frozen dataclass, or its name is that of a class of another module.
    """

    def known(cls: Kind) -> Kind:
        parameters = getattr(cls, "__dataclass_params__", None)
        if not isinstance(cls, type) or parameters is None or not parameters.frozen:
            raise InputError(f"register takes a frozen dataclass, got {described(cls)}; write @dataclass(frozen=True)")
        taken = kinds_of(_root(like)) | {each.__name__: each for each in (like, _root(like))}
        other = taken.get(cls.__name__, cls)
        if (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):  # the same: an edited cell
            raise InputError(f"{cls.__name__} is the name of a class of {other.__module__}; choose another")
        _LIKE.setdefault(like, {})[cls.__name__] = cls
        return cls

    return known


def kinds_of(place: type) -> dict[str, type]:
    """Return the classes, by name, that may stand where one class or protocol may, besides itself."""
    found = dict(_LIKE.get(place, {}))
    for cls in tuple(found.values()):
        found |= kinds_of(cls)
    return found


def _root(like: type) -> type:
    """Return the place to which a class belongs in the end."""
    above = next((place for place, classes in _LIKE.items() if like in classes.values()), None)
    return like if above is None else _root(above)
