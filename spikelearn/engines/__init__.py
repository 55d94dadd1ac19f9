"""Engines: from a description and weights to the core's arrays, and back.

An engine says how to simulate: ``Event()`` exactly, in continuous time; ``Clock()`` in time steps, as the authors of
the paper did; ``Rates()`` without spikes.
Its `build` returns a `Core`, which holds the arrays in the core's blocked order and calls the compiled loops, a chunk
of examples at a time.
"""

from spikelearn.engines.base import Chunk, Core
from spikelearn.engines.clock import Clock, ClockCore
from spikelearn.engines.engine import Engine
from spikelearn.engines.event import Event, EventCore
from spikelearn.engines.probing import Stimulus, Trace, Watch
from spikelearn.engines.rates import Rates, RatesCore
from spikelearn.errors import InputError, check_name, described
from spikelearn.kinds import kinds_of


def engine_of(engine: Engine | None) -> Engine:
    """Return an engine, the default one for None.

    Parameters
    ----------
    engine : Engine or None
        An engine, or None for ``Event()``.

    Returns
    -------
    Engine
        The engine given, or the default one.

    Raises
    ------
    InputError
        It is not an object that builds cores.
    """
    if engine is None:
        return Event()
    if isinstance(engine, type) or not hasattr(engine, "build"):
        raise InputError(
            f"engine must be an object such as spikelearn.Event() or spikelearn.Clock(dt=0.5), got {described(engine)}"
        )
    return engine


def engine_kinds() -> dict[str, type]:
    """Return all engines, those of a user too.

    Returns
    -------
    dict of str to type
        By the names that they have in commands and files.
    """
    return {name.lower(): kind for name, kind in kinds_of(Engine).items()}


def engine_named(name: str) -> Engine:
    """Return an engine by its name, with its default numbers.

    Parameters
    ----------
    name : str
        A key of `engine_kinds`.

    Returns
    -------
    Engine
        With default numbers.

    Raises
    ------
    InputError
        There is no such engine.
    """
    known = engine_kinds()
    check_name("engine", name, known)
    return known[name]()


__all__ = [
    "Chunk",
    "Clock",
    "ClockCore",
    "Core",
    "Engine",
    "Event",
    "EventCore",
    "Rates",
    "RatesCore",
    "Stimulus",
    "Trace",
    "Watch",
    "engine_kinds",
    "engine_named",
    "engine_of",
]
