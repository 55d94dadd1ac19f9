"""Spread of repeated results and the t-test of the paper: textbook formulas, published numbers, coverage."""

import math

import numpy as np
import pytest
from scipy import stats

from spikelearn.analysis import compare, compare_all, seed_spread, spread
from spikelearn.errors import InputError


def test_a_spread_is_that_of_the_textbook():
    values = [4.1, 4.3, 3.9, 4.0]
    found = spread(values)
    mean = sum(values) / 4
    sd = math.sqrt(sum((v - mean) ** 2 for v in values) / 3)
    expected = (4, mean, sd, sd / 2, 3.9, 4.3, mean - 3.182446 * sd / 2, mean + 3.182446 * sd / 2)  # t, df = 3
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_single_value_has_a_mean_and_no_spread():
    found = spread([4.1])
    assert (found.n, found.mean, found.min, found.max) == (1, 4.1, 4.1, 4.1)
    assert np.isnan([found.sd, found.sem, found.low, found.high]).all()


def test_19_of_20_intervals_hold_the_true_mean():
    rng = np.random.default_rng(0)
    held = [s.low < 4 < s.high for s in (spread(rng.normal(4, 0.07, 5)) for _ in range(2000))]
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)


def simulate(n_networks, n_tests, seed_sd, test_sd, seed=0):
    rng = np.random.default_rng(seed)
    return 4 + seed_sd * rng.normal(size=(n_networks, 1)) + test_sd * rng.normal(size=(n_networks, n_tests))


def test_spread_over_networks_is_told_apart_from_that_over_tests():
    found = seed_spread(simulate(2000, 4, seed_sd=0.3, test_sd=0.5))
    assert found.test_sd == pytest.approx(0.5, rel=0.03)
    assert found.seed_sd == pytest.approx(0.3, rel=0.1)
    # What is seen of the networks is both.
    assert found.networks.sd == pytest.approx(math.sqrt(0.3**2 + 0.5**2 / 4), rel=0.05)
    assert found.networks.n == 2000


def test_the_parts_are_those_of_an_analysis_of_variance():
    values = simulate(6, 5, seed_sd=1, test_sd=0.5)
    means = values.mean(axis=1)
    between = 5 * sum((means - values.mean()) ** 2) / 5  # mean squares: 6 - 1 degrees of freedom
    within = sum(sum((row - row.mean()) ** 2) for row in values) / (6 * 4)
    found = seed_spread(values)
    assert found.test_sd == pytest.approx(math.sqrt(within))
    assert found.seed_sd == pytest.approx(math.sqrt((between - within) / 5))
    assert between / within == pytest.approx(stats.f_oneway(*values).statistic)


def test_networks_that_differ_by_less_than_their_tests_do_not_differ():
    assert seed_spread([[1.0, 3.0], [3.0, 1.0]]).seed_sd == 0


def test_one_network_or_one_test_cannot_tell_the_parts_apart():
    one_network = seed_spread([[4.0, 4.2, 4.1]])
    assert math.isnan(one_network.seed_sd) and one_network.test_sd == pytest.approx(0.1)
    one_test = seed_spread([[4.0], [4.2]])
    assert math.isnan(one_test.seed_sd) and math.isnan(one_test.test_sd)
    assert one_test.networks == spread([4.0, 4.2])


def with_t(t, n=20):
    """Return two groups of `n` whose t is exactly this."""
    z = np.random.default_rng(0).normal(size=(2, n))
    z = (z - z.mean(axis=1, keepdims=True)) / z.std(axis=1, ddof=1, keepdims=True)
    return z[0] + t * math.sqrt(2 / n), z[1]


# Guerguiev, Lillicrap & Richards 2017, figures 6, 8 and 9; 20 tests of each network, df = 38.
@pytest.mark.parametrize(
    ("t", "p", "n_comparisons"),
    [(-4.00, 8.4e-4, 3), (16.43, 7.4e-19, 1), (18.46, 4.3e-20, 3), (42.99, 2.3e-33, 3), (197.11, 2.5e-58, 3)],
)
def test_the_p_values_of_the_paper_follow_from_its_t(t, p, n_comparisons):
    found = compare(*with_t(t), n_comparisons)
    assert found.df == 38
    assert found.t == pytest.approx(t)
    assert found.p_corrected == pytest.approx(p, rel=0.03)  # of a t with two decimals
    assert found.p == pytest.approx(found.p_corrected / n_comparisons)


def test_a_comparison_is_that_of_the_textbook():
    a, b = [4.1, 4.3, 3.9, 4.0], [3.6, 3.5, 3.8]
    found = compare(a, b)
    ma, mb = sum(a) / 4, sum(b) / 3
    pooled = (sum((v - ma) ** 2 for v in a) + sum((v - mb) ** 2 for v in b)) / 5
    error = math.sqrt(pooled * (1 / 4 + 1 / 3))
    assert found.difference == pytest.approx(ma - mb)
    assert found.t == pytest.approx((ma - mb) / error)
    assert found.df == 5
    assert (found.low, found.high) == pytest.approx((ma - mb - 2.570582 * error, ma - mb + 2.570582 * error))
    assert found.p == pytest.approx(2 * stats.t.sf(abs(found.t), 5))


def test_without_a_difference_5_percent_of_comparisons_are_below_5_percent():
    rng = np.random.default_rng(1)
    p = [compare(rng.normal(size=20), rng.normal(size=20)).p for _ in range(2000)]
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.015)


def test_tests_of_two_networks_of_one_method_nearly_always_differ_significantly():
    # What the docstring warns of: one method, seeds that differ by 0.3 points, tests of each that differ by 0.07.
    p = [compare(*simulate(2, 20, seed_sd=0.3, test_sd=0.07, seed=seed)).p for seed in range(100)]
    assert np.mean(np.array(p) < 0.001) > 0.75
    assert np.median(p) < 1e-9


def test_all_pairs_are_compared_and_corrected_for_their_number():
    rng = np.random.default_rng(2)
    groups = {
        "regular": rng.normal(4.1, 0.1, 20),
        "sparse": rng.normal(4.05, 0.1, 20),
        "symmetric": rng.normal(3.6, 0.1, 20),
    }
    found = compare_all(groups)
    assert list(found) == [("regular", "sparse"), ("regular", "symmetric"), ("sparse", "symmetric")]
    for (a, b), one in found.items():
        assert one == compare(groups[a], groups[b], 3)
    assert compare([1.0, 2.0, 3.0], [1.5, 2.0, 2.6], 10).p_corrected == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: spread([]), "values of shape (0,) must be of shape (n,), and not empty"),
        (lambda: spread([1, np.nan]), "values is nan at (1,)"),
        (lambda: seed_spread([1.0, 2.0]), "values of shape (2,) must be of shape (networks, tests)"),
        (lambda: compare([1.0], [1.0, 2.0]), "a has 1 value; a t-test needs at least 2"),
        (lambda: compare([1.0, 1.0], [2.0, 2.0]), "a is always 1 and b always 2"),
        (lambda: compare([1.0, 2.0], [2.0, 2.0], 0), "n_comparisons=0 must be an integer >= 1"),
        (lambda: compare_all({"one": [1.0, 2.0]}), "groups has 1 condition (one)"),
    ],
)
def test_what_has_no_spread_is_refused(call, message):
    with pytest.raises(InputError) as info:
        call()
    assert message in str(info.value)
