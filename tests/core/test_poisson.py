"""Poisson processes: counts, times and independence; thinning; and the tables behind them."""

import math

import numpy as np
import pytest
import reference
from conftest import samples
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import spikelearn as sl
from spikelearn.core.euler import draw_candidates, find_spikes
from spikelearn.core.jit import kernel
from spikelearn.core.layer import Trial
from spikelearn.core.poisson import CountTable, count_bound, count_table, draw_count, draw_inputs, fill_guide, look_up
from spikelearn.core.random import make_keys

KEY = make_keys(5, "training", 1)[0]
UNLIKELY = 1e-3  # p-values below fail; seeds are fixed, so a test passes always or never

rates = st.lists(st.sampled_from([0.0, 0.0, 0.01, 0.2, 1.0]) | st.floats(1e-6, 3.0), min_size=1, max_size=40)


def draw(expected, n_steps, *, key=KEY, onset=0, example=0, capacity=20_000, first_row=0):
    """Return (input, step) of the input spikes, or -1."""
    source, row = np.full(capacity, -7, np.int32), np.full(capacity, -7, np.int32)
    n = draw_inputs(
        key, onset, example, np.asarray(expected, float), n_steps, np.zeros((1, 64), np.uint32), np.zeros(64),
        source, row, first_row,
    )  # fmt: skip
    assert (source[max(n, 0) :] == -7).all() or n == -1
    return np.stack([source[:n], row[:n]], 1) if n >= 0 else n


def counts(expected, n_steps, n_examples, **where):
    """Return counts (examples, steps, inputs)."""
    out = np.zeros((n_examples, n_steps, len(expected)), int)
    for example in range(n_examples):
        j, step = draw(expected, n_steps, example=example, **where).T
        np.add.at(out[example], (step, j), 1)
    return out


def assert_poisson(drawn, mean):
    """Test numbers, assumed independent, against the Poisson distribution: chi-square, the tail in one bin."""
    drawn = np.asarray(drawn).ravel()
    most = max(int(stats.poisson.isf(10 / len(drawn), mean)), 1)
    expected = stats.poisson.pmf(np.arange(most), mean) * len(drawn)
    expected = np.append(expected, len(drawn) - expected.sum())
    first = int(np.argmax(np.cumsum(expected) > 5))  # and the lower tail
    observed = np.bincount(np.clip(drawn, first, most), minlength=most + 1)[first:]
    expected = np.append(expected[: first + 1].sum(), expected[first + 1 :])
    assert stats.chisquare(observed, expected).pvalue > UNLIKELY


def assert_uncorrelated(drawn, n_sd=5):
    """Correlations between columns are those of independent numbers."""
    correlation = np.corrcoef(drawn.T)[np.triu_indices(drawn.shape[1], 1)]
    assert np.abs(correlation).max() < n_sd / np.sqrt(len(drawn))


# -- inputs -----------------------------------------------------------------------------------------------------------

EXPECTED = np.array([0.2, 0.0, 0.05, 0.2, 0.001, 0.0, 1.3])
DRAWN = counts(EXPECTED, 60, samples(4000, 300))


@pytest.mark.parametrize("j", range(len(EXPECTED)))
def test_the_spikes_of_an_input_are_a_poisson_number(j):
    """In a trial and in a step: so mean = variance = rate x time, and two spikes in a step can occur."""
    if EXPECTED[j] == 0:
        assert DRAWN[:, :, j].sum() == 0
    else:
        assert_poisson(DRAWN[:, :, j].sum(1), 60 * EXPECTED[j])
        assert_poisson(DRAWN[:, :, j], EXPECTED[j])


def test_spikes_are_spread_evenly_over_the_steps():
    assert stats.chisquare(DRAWN.sum((0, 2))).pvalue > UNLIKELY


def test_inputs_are_independent_of_each_other():
    assert_uncorrelated(DRAWN.sum(1)[:, EXPECTED > 0.01])


def test_steps_are_independent_of_each_other():
    assert_uncorrelated(DRAWN[:, :, -1])


def test_stretches_and_examples_are_independent_of_each_other():
    later = counts(EXPECTED, 60, len(DRAWN), onset=60)
    assert_uncorrelated(np.stack([DRAWN.sum((1, 2)), later.sum((1, 2))], 1))
    assert_uncorrelated(np.stack([DRAWN.sum((1, 2))[1:], DRAWN.sum((1, 2))[:-1]], 1))


@given(rates, st.integers(1, 128), st.integers(0, 2**32 - 1), st.integers(0, 2**40), st.integers(0, 300))
def test_input_spikes_are_those_of_the_twin(expected, n_steps, seed, example, onset):
    key = make_keys(seed, "training", 1)[0]
    found = draw(expected, n_steps, key=key, onset=onset, example=example)
    wanted = reference.input_events(key, onset, example, np.array(expected), n_steps)
    np.testing.assert_array_equal(found.reshape(-1, 2), np.array(wanted, int).reshape(-1, 2))


@given(rates, st.integers(1, 128), st.integers(0, 2**32 - 1), st.integers(0, 20))
def test_spikes_come_sorted_by_input_and_time_and_dark_inputs_have_none(expected, n_steps, seed, first_row):
    found = draw(expected, n_steps, key=make_keys(seed, "training", 1)[0], first_row=first_row)
    if len(found):
        assert found.tolist() == sorted(found.tolist())
        assert (np.array(expected)[found[:, 0]] > 0).all()
        assert first_row <= found[:, 1].min() and found[:, 1].max() < first_row + n_steps


@given(rates, st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_too_small_a_buffer_is_reported_and_a_larger_one_gets_the_same_spikes(expected, n_steps, seed):
    key = make_keys(seed, "training", 1)[0]
    found = draw(expected, n_steps, key=key)
    np.testing.assert_array_equal(draw(expected, n_steps, key=key, capacity=len(found)), found)
    if len(found):
        assert draw(expected, n_steps, key=key, capacity=len(found) - 1) == -1


def test_without_light_there_is_no_spike():
    assert len(draw(np.zeros(5), 100)) == 0


# -- candidates and tables --------------------------------------------------------------------------------------------


@settings(max_examples=50)
@given(
    st.lists(st.floats(0.01, 64.0), min_size=1, max_size=3),
    st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=50),
)
def test_a_number_of_candidates_is_the_quantile_of_its_word(means, drawn):
    table = count_table(means)
    for block, mean in enumerate(means):
        for word in [*drawn, 0, 2**31, 2**32 - 1]:
            assert draw_count(table, block, np.uint32(word)) == stats.poisson.ppf(reference.uniform(word), mean)


def test_the_quantile_of_a_probability_that_is_reached_exactly_is_not_one_more():
    word = np.uint32(3 << 30)
    cdf = np.array([[0.25, reference.uniform(int(word)), 1.0]])
    assert draw_count(CountTable(cdf, np.zeros((1, 256), np.int64)), 0, word) == 1


@given(st.floats(0.001, 500.0))
def test_tables_hold_the_cumulative_distribution_and_end_with_one(mean):
    cdf = count_table([mean]).cdf[0]
    assert cdf[-1] == 1 and (np.diff(cdf) >= 0).all()
    np.testing.assert_allclose(cdf[:-1], stats.poisson.cdf(np.arange(len(cdf) - 1), mean), rtol=1e-12)


@given(st.floats(0.0, 1e6), st.sampled_from([33, 100]))
def test_a_bound_on_a_count_is_exceeded_hardly_ever_and_is_not_wasteful(mean, bits):
    bound = count_bound(mean, bits)
    assert stats.poisson.logsf(bound, mean) < -bits * math.log(2)
    assert bound < mean + 13 * np.sqrt(mean * bits / 33) + 3 * bits


# -- thinning ---------------------------------------------------------------------------------------------------------


def output_counts(bias, rate_max, dt=1.0):
    """Return spike counts (steps, neurons) of 70 output neurons whose potential is constant, and that potential."""
    n_steps, n = samples(3000, 400), len(bias)
    network = sl.Network(sizes=(1, n), rate_max=rate_max, phases=sl.Phases(test=n_steps * dt))
    weights = sl.Weights((np.zeros((n, 1)),), (bias,), ())
    core = sl.Clock(dt=dt, dtype="float64").build(network, weights)
    recording = core.record(np.zeros(1, np.float32), None, seed=2, example=0)
    out = np.zeros((n_steps, n), int)
    times, neurons = recording.spikes[1]
    np.add.at(out, (np.round(times / dt).astype(int), neurons), 1)
    settled = round(60 / dt)
    return out[settled:], recording.v_soma[0][-1]


@pytest.mark.parametrize("rate_max, dt", [(0.2, 1.0), (0.2, 0.5), (1.0, 1.0)])
def test_spike_counts_of_a_step_are_poisson_with_the_rate_of_the_potential(rate_max, dt):
    """Not Bernoulli: two and more spikes in a step occur as often as they should."""
    bias = np.repeat([-4.0, -1.0, 0.0, 0.5, 2.0, 6.0, 30.0], 10)
    drawn, v = output_counts(bias, rate_max, dt)
    for group in range(7):
        chosen = slice(10 * group, 10 * group + 10)
        mean = rate_max * dt * reference.sigmoid(v[10 * group])
        assert_poisson(drawn[:, chosen], mean)
        several = (drawn[:, chosen] >= 2).sum()
        expected = stats.poisson.sf(1, mean) * drawn[:, chosen].size
        assert abs(several - expected) < 4 * np.sqrt(expected) + 1


def test_neurons_of_a_group_and_of_two_groups_are_independent():
    drawn, _ = output_counts(np.zeros(70), 1.0)
    assert_uncorrelated(drawn)
    assert_poisson(drawn.sum(1), 70 * 0.5)


def test_steps_of_a_neuron_are_independent():
    drawn, _ = output_counts(np.zeros(70), 1.0)
    for lag in (1, 2, 63, 64, 65, 128):
        pairs = np.corrcoef(drawn[lag:].ravel(), drawn[:-lag].ravel())[0, 1]
        assert abs(pairs) < 4 / np.sqrt(drawn[lag:].size)


def test_all_neurons_of_a_group_spike_equally_often():
    for n in (3, 64, 70):
        drawn, _ = output_counts(np.zeros(n), 1.0)
        assert stats.chisquare(drawn.sum(0)).pvalue > UNLIKELY


@kernel
def _candidates_of_a_step(net, example, step):
    """Draw the candidates of the only group for one step; return how many there are."""
    trial = Trial(example, 0, np.int64(0), np.int64(0), np.int64(0), 0.0, True)
    return draw_candidates(net.model, trial, net.layers[0], 0, step, step + 1)


@kernel
def _spikes_of_a_step(net, step, n_candidates):
    return find_spikes(net.model, net.layers[0], 0, step, step + 1, n_candidates, 0)


@pytest.mark.parametrize("potential, accepted", [(0.0, False), (1e-15, True)])
def test_a_candidate_becomes_a_spike_if_its_draw_is_below_the_activity(potential, accepted):
    """Draws are multiples of 2**-32 from 0 on, so "below" has the probability that it should have."""
    network = sl.Network(sizes=(1, 64))
    core = sl.Clock(dtype="float64").build(network, network.draw_weights(1))
    core.test(np.zeros((1, 1), np.float32), seed=1, first_example=0)  # makes room for spikes
    layer, work = core._net.layers[0], core._net.layers[0].work
    # In the middle of a batch, where words are not drawn anew: many candidates, all of neuron 9 and with draw 1/2.
    work.drawn[0], work.held[0] = 1, 0
    work.count_words[0], work.words[0] = 2**32 - 1, 9 * 2**26 + 2**25
    work.potential[0, 9] = potential
    n_candidates = _candidates_of_a_step(core._net, 0, 1)
    assert n_candidates > 10
    assert _spikes_of_a_step(core._net, 1, n_candidates) == accepted * n_candidates
    if accepted:
        assert (layer.spikes.new_neuron[:n_candidates] == 9).all()


def test_a_silent_neuron_does_not_spike_and_a_saturated_one_takes_every_candidate():
    drawn, _ = output_counts(np.array([-500.0, 500.0]), 1.0)
    assert drawn[:, 0].sum() == 0
    assert_poisson(drawn[:, 1], 1.0)


@pytest.mark.parametrize("rates", [[1.0], [0.0, 2.0, 0.0], [0.5, 0.0, 3.0, 1e-9, 0.25, 0.0]])
def test_looking_up_inverts_the_summed_rates(rates):
    cumulative, guide = np.cumsum(rates), np.zeros(2 * len(rates), np.int64)
    fill_guide(cumulative, guide)
    words = np.concatenate([[0, 1, 2**31, 2**32 - 1], np.random.default_rng(0).integers(0, 2**32, 500)])
    draws = (words + 0.5) / 2**32 * cumulative[-1]
    found = [look_up(cumulative, guide, np.uint32(word)) for word in words]
    np.testing.assert_array_equal(found, np.searchsorted(cumulative, draws, side="right"))
    assert all(rates[j] > 0 for j in found)
