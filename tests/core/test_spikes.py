"""Spikes by slot: sorting, forgetting, finding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikelearn.core.jit import kernel
from spikelearn.core.layer import FORGOTTEN
from spikelearn.core.spikes import age_traces, first_at, sort_spikes
from spikelearn.engines.packing import Room, make_spikes


def population(slots, *, capacity=64, timed=True):
    """Return a population that remembers two spikes in its first slot, and nothing in those after it."""
    spikes = make_spikes(5, 1, Room(capacity, slots, timed), False, np.float64)
    spikes.neuron[:2] = 3, 1
    spikes.time[:2] = [-0.5, -0.25] if timed else []
    spikes.first[1:] = 2
    return spikes


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4)), max_size=40), st.booleans())
def test_spikes_are_sorted_by_slot_and_otherwise_stay_in_order(drawn, timed):
    spikes = population(8, timed=timed)
    slot, neuron = np.array(drawn, np.int64).reshape(-1, 2).T
    n, time = len(drawn), np.arange(len(drawn)) / 8
    spikes.new_slot[:n], spikes.new_neuron[:n] = slot + 1, neuron
    spikes.new_time[:n] = time if timed else []
    sort_spikes(spikes, n, 1, 8)
    order = np.argsort(slot, kind="stable")
    np.testing.assert_array_equal(spikes.neuron[: n + 2], [3, 1, *neuron[order]])
    if timed:
        np.testing.assert_array_equal(spikes.time[: n + 2], [-0.5, -0.25, *time[order]])
    np.testing.assert_array_equal(spikes.first[:9], [0, *(2 + np.searchsorted(slot[order], np.arange(8)))])
    assert not spikes.neuron[n + 2 :].any()


def test_parts_of_a_trial_are_sorted_one_after_the_other():
    rng = np.random.default_rng(0)
    slot, neuron = np.sort(rng.integers(1, 8, 30)), rng.integers(0, 5, 30)
    whole, parts = population(8), population(8)
    whole.new_slot[:30], whole.new_neuron[:30] = slot, neuron
    sort_spikes(whole, 30, 1, 8)
    for start, stop in ((1, 3), (3, 4), (4, 8)):
        inside = (slot >= start) & (slot < stop)
        parts.new_slot[: inside.sum()], parts.new_neuron[: inside.sum()] = slot[inside], neuron[inside]
        sort_spikes(parts, inside.sum(), start, stop)
    np.testing.assert_array_equal(whole.neuron, parts.neuron)
    np.testing.assert_array_equal(whole.first[:9], parts.first[:9])


@pytest.mark.parametrize("timed", [True, False])
def test_without_new_spikes_slots_are_empty(timed):
    spikes = population(8, timed=timed)
    spikes.first[2:] = 77  # of the trial before
    sort_spikes(spikes, 0, 1, 8)
    np.testing.assert_array_equal(spikes.first[:9], [0] + [2] * 8)


def test_traces_fade_and_are_zero_once_nobody_can_tell():
    trace = np.array([[2.0, 0.9 * FORGOTTEN, 0.0, FORGOTTEN], [1.0, 1e-30, 0.0, 1e-30]])
    age_traces(trace, 0.5, 0.25)
    np.testing.assert_array_equal(trace, [[1.0, 0.0, 0.0, FORGOTTEN / 2], [0.25, 0.0, 0.0, 0.25e-30]])


@kernel
def _first_at(when, time):
    return first_at(when, time)


@given(
    st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.5, 7.0]), max_size=9), st.sampled_from([-1.0, 0.0, 0.5, 0.7, 7.0, 9.0])
)
def test_the_first_time_that_is_not_before_another_is_found(when, time):
    when = np.sort(np.array(when, float))
    assert _first_at(when, time) == np.searchsorted(when, time, side="left")
