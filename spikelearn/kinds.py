"""Classes of a user's own that stand where the package has its own: known by name, so that files can hold them."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from spikelearn.errors import InputError, described

Kind = TypeVar("Kind", bound=type)

_OWN: dict[type, dict[str, type]] = {}


def register(*, like: type) -> Callable[[Kind], Kind]:
    """Let a class of one's own stand wherever one of the package's may, in configurations and their files, too.

    A decorator for a frozen dataclass: ``@spikelearn.register(like=spikelearn.Plateau)``. A file keeps the class's name
    and fields; whoever reads it has to have made the class known before, on the command line with ``--import MODULE``.

    Parameters
    ----------
    like : type
        A class of the package, one of those that have its place.

    Raises
    ------
    InputError
        It is no frozen dataclass, or its name is taken by a class of another module.
    """

    def known(cls: Kind) -> Kind:
        parameters = getattr(cls, "__dataclass_params__", None)
        if not isinstance(cls, type) or parameters is None or not parameters.frozen:
            raise InputError(f"register takes a frozen dataclass, got {described(cls)}; write @dataclass(frozen=True)")
        other = _OWN.get(like, {}).get(cls.__name__, like if like.__name__ == cls.__name__ else cls)
        if (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):  # the same: an edited cell
            raise InputError(f"{cls.__name__} is the name of a class of {other.__module__}; choose another")
        _OWN.setdefault(like, {})[cls.__name__] = cls
        return cls

    return known


def own_kinds(built_in: Iterable[type]) -> dict[str, type]:
    """Return the classes, by name, that were registered for the place of some built-in ones."""
    return {name: cls for like in built_in for name, cls in _OWN.get(like, {}).items()}
