"""Angles between error vectors, and their means along training."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikelearn.analysis import angle, block_means, running_mean
from spikelearn.core.learn import angle as measured_in_training
from spikelearn.errors import InputError


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def slow_angle(a, b):
    dot = math.fsum(x * y for x, y in zip(a, b, strict=True))
    return math.degrees(math.acos(dot / math.sqrt(math.fsum(x * x for x in a) * math.fsum(y * y for y in b))))


def test_angles_are_those_of_the_definition_row_by_row():
    a, b = draw(30, 7), draw(30, 7, seed=1)
    np.testing.assert_allclose(angle(a, b), [slow_angle(x, y) for x, y in zip(a, b, strict=True)], rtol=1e-12)


def test_angles_are_those_that_training_measures():
    a, b = draw(50, seed=2), draw(50, seed=3)
    for part in (slice(0, 20), slice(20, 50)):
        np.testing.assert_allclose(angle(a[None, part], b[None, part])[0], measured_in_training(a[part], b[part]))


def test_the_same_vectors_are_at_0_degrees_orthogonal_ones_at_90_and_opposite_ones_at_180():
    a = draw(5, 100)
    np.testing.assert_allclose(angle(a, 3 * a), 0, atol=1e-7)
    np.testing.assert_allclose(angle(a, -a), 180, atol=1e-7)
    np.testing.assert_allclose(angle(np.eye(4), np.roll(np.eye(4), 1, axis=1)), 90, rtol=1e-15)


@pytest.mark.parametrize("degrees", [1e-9, 1e-6, 1e-3, 179.999, 45])
def test_small_angles_keep_their_digits(degrees):
    turned = [[math.cos(math.radians(degrees)), math.sin(math.radians(degrees))]]
    np.testing.assert_allclose(angle([[1.0, 0.0]], turned), degrees, rtol=1e-6)


@given(st.integers(-300, 300), st.integers(-300, 300))
def test_lengths_do_not_matter_however_small_or_large(one, other):
    a, b = draw(3, 6), draw(3, 6, seed=1)
    np.testing.assert_allclose(angle(a * 10.0**one, b * 10.0**other), angle(a, b), rtol=1e-9)


def test_a_vector_of_zeros_has_no_angle_to_anything():
    a, b = draw(3, 4), draw(3, 4, seed=1)
    a[1], b[2] = 0, 0
    assert np.isnan(angle(a, b)).tolist() == [False, True, True]


def test_blocks_have_mean_and_standard_error_of_their_values():
    values = draw(23, seed=5)
    values[[3, 11]] = np.nan
    blocks = block_means(values, 5)
    for k, part in enumerate([values[i : i + 5] for i in range(0, 23, 5)]):
        known = [v for v in part if not np.isnan(v)]
        mean = sum(known) / len(known)
        variance = sum((v - mean) ** 2 for v in known) / (len(known) - 1)
        np.testing.assert_allclose(blocks.mean[k], mean)
        np.testing.assert_allclose(blocks.sem[k], math.sqrt(variance / len(known)))
        assert blocks.n[k] == len(known)
    assert blocks.stop.tolist() == [5, 10, 15, 20, 23]


def test_blocks_without_values_or_with_one_say_so():
    blocks = block_means([np.nan, np.nan, 3.0, np.nan, 1.0], 2)
    assert np.isnan(blocks.mean).tolist() == [True, False, False]
    assert np.isnan(blocks.sem).all()
    assert blocks.n.tolist() == [0, 1, 1]


def test_standard_errors_survive_a_large_offset():
    values = draw(100)
    np.testing.assert_allclose(block_means(values + 1e8, 50).sem, block_means(values, 50).sem, rtol=1e-6)


@pytest.mark.parametrize("shape", [(12,), (12, 3, 2)])
def test_a_running_mean_averages_each_value_with_those_before_it(shape):
    values = draw(*shape)
    slow = [values[k - 3 : k + 1].mean(axis=0) for k in range(3, 12)]
    np.testing.assert_allclose(running_mean(values, 4), slow)
    np.testing.assert_array_equal(running_mean(values, 1), values)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: angle(draw(3, 4), draw(3, 5)), "a of shape (3, 4) and b of shape (3, 5) must have the same shape"),
        (lambda: angle(draw(4), draw(4)), "a of shape (4,) must be of shape (examples, neurons)"),
        (lambda: angle(draw(0, 4), draw(0, 4)), "not empty"),
        (lambda: angle([[np.inf, 1]], [[1, 1]]), "a is inf at (0, 0); must be finite"),
        (lambda: angle([["x", "y"]], [[1, 1]]), "must be an array of real numbers"),
        (lambda: block_means(draw(4), 0), "size=0 must be an integer >= 1"),
        (lambda: block_means(draw(4, 2), 2), "values of shape (4, 2) must be of shape (examples,)"),
        (lambda: running_mean(draw(4), 5), "window=5 must be an integer >= 1 and <= 4"),
        (lambda: running_mean(3.0, 1), "values is a single number"),
    ],
)
def test_what_is_no_error_vector_or_series_is_refused(call, message):
    with pytest.raises(InputError) as info:
        call()
    assert message in str(info.value)
