"""What a rule costs: the bytes that it holds of the past, and the seconds that a step takes."""

import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from spikelearn.ratenet.streams import stream
from spikelearn.temporal.learning import begin, walk
from spikelearn.temporal.network import Network
from spikelearn.temporal.rule import Rule
from spikelearn.temporal.task import Sequences


class Cost(NamedTuple):
    """Of a step, for each sequence of a batch.

    Attributes
    ----------
    stored : float
        Bytes of all arrays that the rule holds, at the step of the sequence when they are most.
    seconds : float
        Of the processor, with the network's own step; the least of some sequences, since other work only adds to it.
    """

    stored: float
    seconds: float


def cost(network: Network, rule: Rule, shown: Sequences, *, repeats: int = 3) -> Cost:
    """Measure both, with weights that stay as they are; on one thread, which is the caller's to see to."""
    steps, batch, _ = shown.x.shape
    state, rng = begin(network, rule, 1), stream(1, "learning")
    held = max(stored((state.memory, state.fixed)) for _ in walk(rule, state, shown, rng)) / batch
    least = float("inf")
    for _ in range(repeats):
        began = time.thread_time()
        for _ in walk(rule, state, shown, rng):
            pass
        least = min(least, (time.thread_time() - began) / steps)
    return Cost(held, least)


def stored(memory: Any) -> int:
    """Return the bytes of all different arrays that a rule holds, however they are nested."""
    found: dict[int, int] = {}

    def look(thing: Any) -> None:
        if isinstance(thing, np.ndarray):
            found[id(thing)] = thing.nbytes
        elif isinstance(thing, Mapping):
            look(tuple(thing.values()))
        elif isinstance(thing, Iterable) and not isinstance(thing, str):
            for part in thing:
                look(part)
        elif hasattr(thing, "__dict__"):
            look(vars(thing))

    look(memory)
    return sum(found.values())
