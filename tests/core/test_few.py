"""Sixteen numbers as one value: compiled they are LLVM vectors and must give what NumPy gives."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import needs_jit, of_both_types, rows

from spikelearn.core.few import FEW, append, choose, count, gather, load_few, store_few
from spikelearn.core.jit import kernel
from spikelearn.core.lanes import LANES, load

ROOT = Path(__file__).parents[2]


@kernel
def _shift(array, out, first):
    store_few(out, 1, first, 2.0 * load_few(array, 1, first) - load_few(array, 0, 0))


@of_both_types
@pytest.mark.parametrize("first", [0, 5, 48])
def test_sixteen_numbers_from_anywhere_in_a_row(real, first):
    array, out = rows(2, real), np.zeros((2, LANES), real)
    _shift(array, out, first)
    wanted = np.zeros((2, LANES), real)
    wanted[1, first : first + FEW] = 2 * array[1, first : first + FEW] - array[0, :FEW]
    np.testing.assert_array_equal(out, wanted)


@kernel
def _gather_below(array, lanes, limit, out):
    own = load_few(lanes, 0, 0)
    numbers = load_few(array, 0, 0)
    store_few(out, 0, 0, gather(array, 1, own, numbers < limit))
    store_few(out, 1, 0, gather(array, 1, own, (numbers > limit) & (numbers < load_few(array, 0, 16))))


@of_both_types
def test_gathering_takes_the_lanes_that_are_asked_for_and_zeros(real):
    array, out = rows(2, real), np.ones((2, FEW), real)
    lanes = np.random.default_rng(1).integers(0, LANES, (1, FEW)).astype(np.int32)
    _gather_below(array, lanes, 0.5, out)
    numbers, next_numbers = array[0, :FEW], array[0, FEW : 2 * FEW]
    np.testing.assert_array_equal(out[0], np.where(numbers < 0.5, array[1, lanes[0]], 0))
    np.testing.assert_array_equal(out[1], np.where((numbers > 0.5) & (numbers < next_numbers), array[1, lanes[0]], 0))


@kernel
def _choose_below(array, lanes, limit, out):
    store_few(out, 0, 0, choose(load(array, 1), load_few(lanes, 0, 0), load_few(array, 0, 0) < limit))


def of_each_lane(limit, real):
    """Choose from every lane in turn, in one call after the other."""
    array, out = rows(2, real), np.ones((1, FEW), real)
    order = np.random.default_rng(1).permutation(LANES).astype(np.int32)
    for lanes in order.reshape(-1, 1, FEW):
        _choose_below(array, lanes, limit, out)
        np.testing.assert_array_equal(out[0], np.where(array[0, :FEW] < limit, array[1, lanes[0]], 0))


@of_both_types
@pytest.mark.parametrize("limit", [-4.0, 0.3, 4.0])
def test_choosing_takes_the_lanes_that_are_asked_for_and_zeros(real, limit):
    of_each_lane(limit, real)


@needs_jit
def test_choosing_works_on_machines_without_such_an_instruction():
    """numba compiles for another processor than this one if told to; the result is the same."""
    script = (
        "from spikelearn.core import few; assert not few.HAS_PERMUTATIONS; import sys; sys.path.insert(0, 'tests');"
        "sys.path.insert(0, 'tests/core'); import numpy, test_few; test_few.of_each_lane(0.3, numpy.float32)"
    )
    environment = os.environ | {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, cwd=ROOT)
    assert done.returncode == 0, done.stderr


@kernel
def _keep_below(array, limit, out):
    n = 3
    for first in range(0, LANES, FEW):
        numbers = load_few(array, 0, first)
        append(out, 1, n, numbers, numbers < limit)
        n += count(numbers < limit)
    return n


@of_both_types
@pytest.mark.parametrize("limit", [-4.0, 0.3, 4.0])
def test_appending_keeps_what_is_wanted_in_order_and_touches_nothing_else(real, limit):
    array, out = rows(1, real), np.zeros((3, LANES + 8), real)
    n = _keep_below(array, limit, out)
    kept = array[0][array[0] < limit]
    wanted = np.zeros((3, LANES + 8), real)
    wanted[1, 3 : 3 + len(kept)] = kept
    assert n == 3 + len(kept)
    np.testing.assert_array_equal(out, wanted)
