"""Very many examples: memory stays flat, and what is carried from one to the next does not drift."""

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
def test_what_is_carried_does_not_drift(engine, n):
    """The text's synapses never forget: their traces are carried on and on, in single precision.

    After any number of examples they are what a network has that was at rest twenty examples, some 2 s, ago: the draws
    are the same, and 1e-80 is left of what was before.
    """
    x, y = bars(1000, 0)
    model = sl.Model(network=NETWORK, learning_rates=(0.0, 0.0))
    shown = sl.Images(x=x, y=y, n_classes=3, name="bars")
    states = []
    for begin in (0, n - 20):
        training = sl.train(model, shown, seed=1, epochs=n // 1000, engine=engine, chunk_size=20)
        training.resume(begin, training.state())
        for _ in training:
            pass
        assert training.trials == n
        states.append(training.state())
    for name, found in states[0].items():
        np.testing.assert_allclose(found, states[1][name], rtol=1e-5, atol=1e-6, err_msg=name)
