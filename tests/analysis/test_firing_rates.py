"""Mean rates from spikes and counts, and their distribution."""

import math

import numpy as np
import pytest

from spikelearn.analysis import rate_distribution, rates_from_counts, rates_from_spikes
from spikelearn.errors import InputError
from spikelearn.units import Hz, second


def test_rates_from_spikes_are_those_of_a_loop():
    rng = np.random.default_rng(0)
    neuron, time = rng.integers(0, 7, 500), 100 * rng.random(500)
    slow = [sum(1 for n, t in zip(neuron, time, strict=True) if n == k and 30 <= t < 80) / 50 for k in range(8)]
    np.testing.assert_allclose(rates_from_spikes(neuron, time, 8, start=30, stop=80), slow)


def test_20_spikes_in_half_a_second_are_40_hz():
    rates = rates_from_spikes([1] * 20, np.linspace(0, 499, 20), 2, start=0, stop=0.5 * second)
    np.testing.assert_allclose(rates, [0, 40 * Hz])
    np.testing.assert_allclose(rates_from_counts([[0, 15], [0, 25]], 0.5 * second), [0, 40 * Hz])


def test_windows_side_by_side_count_every_spike_once():
    neuron, time = np.zeros(11, int), np.arange(11.0)  # one on the border
    parts = [rates_from_spikes(neuron, time, 1, start=a, stop=a + 5)[0] * 5 for a in (0, 5, 10)]
    assert parts == [5, 5, 1]


def test_a_recording_without_spikes_is_silent():
    np.testing.assert_array_equal(rates_from_spikes([], [], 3, start=0, stop=10), np.zeros(3))
    np.testing.assert_array_equal(rates_from_spikes([2], [50.0], 3, start=0, stop=10), np.zeros(3))


def test_a_poisson_neuron_has_its_rate_however_it_is_counted():
    rng = np.random.default_rng(1)
    counts = rng.poisson(20 * Hz * 250, (400, 5))
    np.testing.assert_allclose(rates_from_counts(counts, 250) / Hz, 20, atol=2)
    neuron = np.repeat(np.tile(np.arange(5), 400), counts.ravel())
    time = 250 * rng.random(len(neuron)) + np.repeat(250 * np.repeat(np.arange(400), 5), counts.ravel())
    np.testing.assert_allclose(
        rates_from_spikes(neuron, time, 5, start=0, stop=400 * 250), rates_from_counts(counts, 250)
    )


def test_a_distribution_counts_every_neuron_in_its_bin():
    rates = np.array([0, 0, 5, 19, 20, 100, 179, 181, 200]) * Hz
    found = rate_distribution(rates, rate_max=200 * Hz, n_bins=10)
    np.testing.assert_allclose(found.edges_hz, np.arange(0, 201, 20))
    assert found.counts.tolist() == [4, 1, 0, 0, 0, 1, 0, 0, 1, 2]
    assert found.mean_hz == pytest.approx(704 / 9)
    assert found.median_hz == pytest.approx(20)
    assert found.silent == pytest.approx(2 / 9)
    assert found.saturated == pytest.approx(2 / 9)


def test_rates_above_the_maximum_are_not_lost():
    found = rate_distribution(np.array([0.1, 0.23]), rate_max=200 * Hz)
    assert found.counts.sum() == 2
    assert found.edges_hz[-1] == pytest.approx(230)


def test_a_saturated_neuron_hardly_learns():
    # At 90 % of the maximum, where it begins, the slope of the sigmoid is 0.36 of its highest, 1/4.
    v = math.log(0.9 / 0.1)
    assert 1 / (1 + math.exp(-v)) * 1 / (1 + math.exp(v)) / 0.25 == pytest.approx(0.36)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rates_from_spikes([0.5], [1], 3, start=0, stop=9), "must be integers; swap neuron and time?"),
        (lambda: rates_from_spikes([3], [1.0], 3, start=0, stop=9), "neuron 3..3 must be within 0..2"),
        (lambda: rates_from_spikes([0, 1], [1.0], 3, start=0, stop=9), "numbers of spikes differ"),
        (lambda: rates_from_spikes([0], [np.nan], 3, start=0, stop=9), "time is nan at (0,)"),
        (lambda: rates_from_spikes([0], [1.0], 3, start=9, stop=9), "stop=9 must be a finite number > 9 ms"),
        (lambda: rates_from_spikes([[0]], [[1.0]], 3, start=0, stop=9), "must be of shape (spikes,)"),
        (lambda: rates_from_counts([[1, -1]], 50), "counts has -1; must be >= 0"),
        (lambda: rates_from_counts([[1, 1]], 0), "duration=0 must be a finite number > 0 ms"),
        (lambda: rates_from_counts([1, 1], 50), "counts of shape (2,) must be of shape (examples, neurons)"),
        (
            lambda: rate_distribution([20.0, 24.0], rate_max=200 * Hz),
            "rates up to 24 with rate_max=0.2 spikes/ms cannot",
        ),
        (lambda: rate_distribution([-0.1], rate_max=200 * Hz), "rates has -0.1 spikes/ms; must be >= 0"),
        (lambda: rate_distribution([0.1], rate_max=200 * Hz, n_bins=0), "n_bins=0 must be an integer >= 1"),
    ],
)
def test_what_are_no_spikes_or_rates_is_refused(call, message):
    with pytest.raises(InputError) as info:
        call()
    assert message in str(info.value)
