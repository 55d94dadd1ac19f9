"""Fewer points: no extreme is lost, and a raster stays full."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as some

from spikelearn.pages.thinning import BINS, SPIKES, distinct, extremes


@given(some.integers(1, 3000), some.integers(1, 60), some.integers(0, 2**32 - 1))
def test_the_extremes_of_each_bin_survive(n, n_bins, seed):
    values = np.random.default_rng(seed).normal(size=n)
    chosen = extremes(values, n_bins)
    assert (np.diff(chosen) > 0).all() and chosen[0] == 0 and chosen[-1] == n - 1
    assert len(chosen) == n or len(chosen) <= 2 * n_bins + 2
    size = 1 if n <= 2 * n_bins else -(-n // n_bins)
    for at in range(0, n, size):
        kept = values[chosen[(chosen >= at) & (chosen < at + size)]]
        own = values[at : at + size]
        assert kept.min() == own.min() and kept.max() == own.max()


def test_a_single_sample_among_a_million_is_seen():
    values = np.zeros(1_000_000, np.float32)
    values[123_457], values[999_998] = 5, -7
    chosen = extremes(values)
    assert len(chosen) <= 2 * BINS + 2
    assert {123_457, 999_998} <= set(chosen.tolist())


def test_a_gap_stays_a_gap():
    values = np.arange(100_000.0)
    values[70_000] = np.nan
    assert np.isnan(values[extremes(values)]).sum() == 1


def test_a_raster_of_usual_size_keeps_all_spikes():
    rng = np.random.default_rng(0)
    time = np.sort(rng.random(SPIKES)) * 100
    np.testing.assert_array_equal(distinct(rng.integers(5, size=SPIKES), time, 0.0, 100.0), np.arange(SPIKES))


def test_a_crowded_raster_keeps_a_spike_wherever_a_neuron_had_one():
    rng = np.random.default_rng(0)
    neuron, time = rng.integers(8, size=100_000), np.sort(rng.random(100_000)) * 100
    kept = distinct(neuron, time, 0.0, 100.0)
    assert (np.diff(kept) > 0).all()

    def cells(which):
        return {(n, int(t / 100 * BINS)) for n, t in zip(neuron[which], time[which], strict=True)}

    assert cells(kept) == cells(slice(None))
    assert len(cells(kept)) == len(kept) <= 8 * BINS


def test_of_too_many_neurons_evenly_chosen_ones_are_left():
    rng = np.random.default_rng(0)
    neuron, time = rng.integers(1000, size=1_000_000), np.sort(rng.random(1_000_000)) * 100
    kept = distinct(neuron, time, 0.0, 100.0)
    left = np.unique(neuron[kept])
    assert len(set(np.diff(left))) == 1 and left[0] == 0  # the same number are left out between any two
    assert 0.97 * SPIKES < len(kept) < 1.03 * SPIKES
