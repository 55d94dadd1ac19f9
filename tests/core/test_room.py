"""Buffers of spikes are bounds with a probability; a trial that would need more is refused, not written beside them."""

import pytest
from test_clock import SEED, describe, learn, task

from spikelearn.engines import Clock, Event
from spikelearn.engines.clock import ClockCore
from spikelearn.engines.event import EventCore


@pytest.mark.parametrize("engine, core", [(Clock(), ClockCore), (Event(), EventCore)], ids=["clock", "event"])
@pytest.mark.parametrize("g_apical", [0.0, 0.05])  # layers one after the other, and together
@pytest.mark.parametrize("population", [0, 1, 2])
def test_more_spikes_than_there_is_room_for_are_refused(monkeypatch, engine, core, g_apical, population):
    whole = core._rooms

    def rooms(self, brightness, duration):
        found = whole(self, brightness, duration)
        found[population] = found[population]._replace(capacity=4)
        return found

    monkeypatch.setattr(core, "_rooms", rooms)
    network = describe(g_apical=g_apical)
    images, labels = task(network, 2)
    with pytest.raises(RuntimeError, match=r"a buffer of spikes overflowed \(at example 6\)"):
        learn(engine.build(network, network.draw_weights(SEED)), images, labels, first_example=6)
