"""Very many examples: memory stays flat, and what is carried from one to the next does not drift."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import needs_jit
from plan import bars, sizes

import spikelearn as sl

pytestmark = needs_jit
NETWORK = sl.Network(sizes=(9, 4, 3))


def memory():
    """Return what the process holds, MiB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 2**20


@pytest.mark.parametrize("engine", [sl.Clock(), sl.Event(), sl.Rates()], ids=["clock", "event", "rates"])
@sizes(30_000, 10**7)
def test_memory_is_flat(engine, n):
    x, y = bars(1000, 0)
    model = sl.Model(network=NETWORK, learning_rates=(0.01, 0.01))
    shown = sl.Images(x=x, y=y, n_classes=3, name="bars")
    held = []
    for chunk in sl.train(model, shown, seed=1, epochs=n // 1000, engine=engine, chunk_size=1000):
        if chunk.stop == 1000:
            held.append(memory())
            assert np.isfinite(chunk.loss).all()
    settled = held[len(held) // 3 :]
    assert max(settled) - settled[0] < 8


@pytest.mark.parametrize("engine", [sl.Clock(), sl.Event()], ids=["clock", "event"])
@sizes(3000, 1_000_000)
def test_a_carried_trace_does_not_drift(engine, n):
    """The text's synapses never forget: their traces are carried on and on.

    In single precision they are, after any number of examples, what the spikes of the last ones make of them.
    """
    x, y = bars(1000, 0)
    model = sl.Model(network=NETWORK, learning_rates=(0.0, 0.0))
    shown = sl.Images(x=x, y=y, n_classes=3, name="bars")
    states = {}
    for first in (0, n):
        # The last twenty examples, some 2 s, alone: 1e-87 of what was before is left.
        for dtype in ("float32", "float64"):
            training = sl.train(model, shown, seed=1, epochs=n // 1000 + 1, engine=replace(engine, dtype=dtype))
            if first == 0:
                for _ in training:
                    if training.trials >= n:
                        break
                states[dtype] = training.state()
    for name, found in states["float32"].items():
        if name.endswith("_trace"):
            assert np.isfinite(found).all()
            np.testing.assert_allclose(found.sum(), states["float64"][name].sum(), rtol=0.5, atol=3)
