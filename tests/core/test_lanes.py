"""Lanes, and functions of them: compiled they are LLVM vectors and must give what NumPy gives."""

import numpy as np
import pytest
import reference
from conftest import needs_jit, of_both_types, rows

from spikelearn.core.dynamics import sigmoid
from spikelearn.core.jit import kernel
from spikelearn.core.lanes import (
    LANES,
    NARROW,
    absolute,
    clip,
    exp_lanes,
    flat,
    fma,
    full,
    load,
    maximum,
    narrow,
    pick,
    put,
    store,
    total,
)
from spikelearn.core.registers import add_row, fetch


@kernel
def _copy_row(source, i, target, j):
    store(target, j, load(source, i))


@of_both_types
def test_a_row_is_copied_and_nothing_else_is_touched(real):
    source, target = rows(3, real), rows(4, real, 10, 11)
    before = target.copy()
    _copy_row(source, 1, target, 2)
    np.testing.assert_array_equal(target[2], source[1])
    np.testing.assert_array_equal(np.delete(target, 2, axis=0), np.delete(before, 2, axis=0))


@kernel
def _hold_and_overwrite(array):
    held = load(array, 0)
    array[0] = 7
    store(array, 1, held)


@of_both_types
def test_loaded_lanes_are_a_copy(real):
    array = rows(2, real)
    before = array[0].copy()
    _hold_and_overwrite(array)
    np.testing.assert_array_equal(array[1], before)
    assert (array[0] == 7).all()


@kernel
def _arithmetic(array, out, scalar):
    a, b = load(array, 0), load(array, 1)
    store(out, 0, a + b)
    store(out, 1, a - b)
    store(out, 2, a * b)
    store(out, 3, a / b)
    store(out, 4, scalar + a)
    store(out, 5, a - scalar)
    store(out, 6, scalar - a)
    store(out, 7, a * scalar)
    store(out, 8, a / scalar)
    store(out, 9, scalar / a)
    store(out, 10, a * 2 + (1 - b) / 4)


@of_both_types
def test_arithmetic_is_that_of_numpy_bit_for_bit(real):
    array, out = rows(2, real), np.zeros((11, LANES), real)
    scalar = real(0.3)
    _arithmetic(array, out, scalar)
    a, b = array
    results = (
        a + b, a - b, a * b, a / b, scalar + a, a - scalar, scalar - a, a * scalar, a / scalar, scalar / a,
        a * real(2) + (real(1) - b) / real(4),
    )  # fmt: skip
    for found, wanted in zip(out, results, strict=True):
        np.testing.assert_array_equal(found, wanted)


@kernel
def _scale(array, out, scalar):
    store(out, 0, scalar * load(array, 0))


@needs_jit
def test_a_double_takes_the_type_of_single_lanes():
    """Interpreted, NumPy promotes the lanes and rounds once, on storing."""
    array, out = rows(1, np.float32), np.zeros((1, LANES), np.float32)
    _scale(array, out, 0.1)
    np.testing.assert_array_equal(out[0], np.float32(0.1) * array[0])


@kernel
def _sum_of_rows(array, out):
    total = load(out, 0)
    for row in range(array.shape[0]):
        if row % 2 == 0:
            total = total + load(array, row)
    store(out, 0, total)


@of_both_types
def test_lanes_are_carried_through_a_loop_in_order(real):
    array, out = rows(101, real), np.zeros((1, LANES), real)
    _sum_of_rows(array, out)
    wanted = np.zeros(LANES, real)
    for row in array[::2]:
        wanted = wanted + row
    np.testing.assert_array_equal(out[0], wanted)


@kernel
def _clip(array, out, low, high):
    for row in range(array.shape[0]):
        store(out, row, clip(load(array, row), low, high))


@of_both_types
def test_clip_limits_and_lets_nan_pass(real):
    array = rows(2, real)
    array[0, :5] = np.nan, np.inf, -np.inf, 1.5, -0.5
    out = np.zeros_like(array)
    _clip(array, out, real(-0.5), real(1.5))
    np.testing.assert_array_equal(out, np.clip(array, real(-0.5), real(1.5)))
    assert np.isnan(out[0, 0])


@kernel
def _extremes(array, out):
    store(out, 0, absolute(load(array, 0)))
    store(out, 1, maximum(load(array, 0), load(array, 1)))
    store(out, 2, full(array, 0.1))


@of_both_types
def test_absolute_values_maxima_and_constants_are_those_of_numpy(real):
    array, out = rows(2, real), np.zeros((3, LANES), real)
    array[:, :3] = [[np.inf, -np.inf, -0.0], [1.0, -np.inf, 0.0]]
    _extremes(array, out)
    np.testing.assert_array_equal(out, [np.abs(array[0]), np.maximum(*array), np.full(LANES, 0.1, real)])
    assert not np.signbit(out[0]).any()


@kernel
def _exponential(array, out):
    for row in range(array.shape[0]):
        store(out, row, exp_lanes(load(array, row)))


@of_both_types
def test_the_exponential_is_that_of_numpy(real):
    array = rows(20, real, -80, 80)
    out = np.zeros_like(array)
    _exponential(array, out)
    np.testing.assert_allclose(out, np.exp(array), rtol=2 * np.finfo(real).eps)


@kernel
def _sigmoid(array, out):
    for row in range(array.shape[0]):
        store(out, row, sigmoid(load(array, row)))


def sigmoids(values, real):
    """Return the sigmoid of lanes for each of the values."""
    values = np.asarray(values, real)
    padded = np.zeros((-(-len(values) // LANES), LANES), real)
    padded.ravel()[: len(values)] = values
    out = np.full_like(padded, 7)
    _sigmoid(padded, out)
    return out.ravel()[: len(values)]


def test_the_sigmoid_of_single_lanes_errs_by_less_than_two_in_ten_million():
    x = np.linspace(-30, 30, 200_001).astype(np.float32)
    found = sigmoids(x, np.float32)
    assert found.dtype == np.float32
    assert np.abs(found - reference.sigmoid(x.astype(np.float64))).max() < 2e-7


@needs_jit
def test_the_approximation_is_symmetric_and_stays_in_the_unit_interval_up_to_rounding():
    x = np.linspace(-200, 200, 100_001).astype(np.float32)
    found = sigmoids(x, np.float32)
    np.testing.assert_allclose(found + found[::-1], 1, atol=2e-7)
    assert found.min() > -2e-7 and found.max() < 1 + 2e-7
    assert sigmoids([0.0], np.float32)[0] == 0.5


def test_the_sigmoid_of_double_lanes_is_exact_to_rounding():
    x = np.linspace(-700, 700, 100_001)
    np.testing.assert_allclose(sigmoids(x, np.float64), reference.sigmoid(x), rtol=1e-15 * 4, atol=1e-300)
    x = np.linspace(-30, 30, 100_001)
    np.testing.assert_allclose(sigmoids(x, np.float64), reference.sigmoid(x), atol=1e-15)


@of_both_types
def test_the_sigmoid_of_nan_is_nan_and_that_of_infinity_its_limit(real):
    found = sigmoids([np.nan, np.inf, -np.inf], real)
    assert np.isnan(found[0])
    np.testing.assert_allclose(found[1:], [1, 0], atol=2e-7)


@kernel
def _of_number(x):
    return sigmoid(x)


@of_both_types
def test_the_sigmoid_of_a_number_is_exact_to_rounding(real):
    for x in (-20.0, -1.3, 0.0, 0.7, 12.0):
        wanted = reference.sigmoid(np.float64(real(x)))
        assert _of_number(real(x)) == pytest.approx(wanted, rel=4 * float(np.finfo(real).eps))


@kernel
def _multiply_add(array, out, scalar):
    a, b, c = load(array, 0), load(array, 1), load(array, 2)
    store(out, 0, fma(a, b, c))
    store(out, 1, fma(scalar, b, c))
    store(out, 2, fma(a, scalar, c))
    store(out, 3, fma(a, b, scalar))
    store(out, 4, fma(scalar, scalar, c))
    out[5, 0] = fma(scalar, scalar, scalar)


@of_both_types
def test_multiply_and_add_of_lanes_and_numbers(real):
    # Rounded once when compiled, twice when interpreted.
    array, out = rows(3, real), np.zeros((6, LANES), real)
    scalar = real(0.3)
    _multiply_add(array, out, scalar)
    a, b, c = array.astype(float)
    s = float(scalar)
    for found, wanted in zip(out, (a * b + c, s * b + c, a * s + c, a * b + s, s * s + c), strict=False):
        np.testing.assert_allclose(found, wanted, atol=20 * np.finfo(real).eps)
    assert out[5, 0] == pytest.approx(s * s + s, rel=2 * float(np.finfo(real).eps))


@needs_jit
def test_a_compiled_multiply_add_is_rounded_once():
    # (1 + e)(1 - e) - 1 = -e^2, which is lost if the product is rounded first.
    array, out = np.ones((3, LANES)), np.zeros((6, LANES))
    array[0] += 2.0**-30
    array[1] -= 2.0**-30
    array[2] = -1
    _multiply_add(array, out, 0.5)
    np.testing.assert_array_equal(out[0], -(2.0**-60))


@kernel
def _pick_all(array, out):
    value = load(array, 0)
    for lane in range(LANES):
        out[lane] = pick(value, lane)
    out[0] = total(value)


@of_both_types
def test_picking_a_lane_and_adding_all_up(real):
    array, out = rows(1, real), np.zeros(LANES, real)
    _pick_all(array, out)
    np.testing.assert_array_equal(out[1:], array[0, 1:])
    halves = array[0]
    while len(halves) > 1:
        halves = halves[: len(halves) // 2] + halves[len(halves) // 2 :]
    assert out[0] == halves[0]
    assert out[0] == pytest.approx(array[0].sum(), rel=1e-4, abs=1e-4)


@kernel
def _put(array, lane, number):
    store(array, 1, put(load(array, 0), lane, number))


@of_both_types
@pytest.mark.parametrize("lane", [0, 13, LANES - 1])
def test_one_number_is_replaced(real, lane):
    array = rows(2, real)
    wanted = array[0].copy()
    wanted[lane] = 7.5
    _put(array, lane, 7.5)
    np.testing.assert_array_equal(array[1], wanted)


@kernel
def _add_rows(array, factors, out):
    numbers = flat(array)
    whole = load(out, 0), load(out, 1), load(out, 2)
    part = narrow(out, 0), narrow(out, 1), narrow(out, 2)
    for k in range(array.shape[0]):
        fetch(numbers, min(k + 3, array.shape[0] - 1) * LANES, whole[0])
        given = factors[k, 0], factors[k, 1], factors[k, 2]
        whole = add_row(whole, given, numbers, k * LANES)
        part = add_row(part, given, numbers, k * LANES + NARROW)
    for k in range(3):
        store(out, k, whole[k])
        store(out, 3 + k, part[k])


@of_both_types
def test_a_row_is_added_to_three_sums_register_by_register(real):
    array, factors = rows(5, real), np.random.default_rng(1).normal(size=(5, 3)).astype(real)
    out = np.zeros((6, LANES), real)
    _add_rows(array, factors, out)
    tolerance = 1e-5 if real is np.float32 else 1e-13
    np.testing.assert_allclose(out[:3], factors.T @ array, atol=tolerance)
    np.testing.assert_allclose(out[3:, :NARROW], (factors.T @ array)[:, NARROW : 2 * NARROW], atol=tolerance)
    assert not out[3:, NARROW:].any()
