"""Records: what kernels read of them, compiled, is what Python reads."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from conftest import INTERPRETED, needs_jit, of_both_types, rows

from spikelearn.core.jit import inlined, kernel
from spikelearn.core.lanes import LANES, load, store
from spikelearn.core.records import is_record, record


@record
class Part(NamedTuple):
    """A record within others."""

    factor: float
    values: np.ndarray  # (n,)
    n: int


@record
class Pair(NamedTuple):
    """A record of two records, with something before, between and after them."""

    first: float
    one: Part
    table: np.ndarray  # (rows, n)
    other: Part
    last: int


@record
class Whole(NamedTuple):
    """A record with a tuple of records."""

    name: int
    parts: tuple[Part, ...]
    pair: Pair
    anything: Any


def part(number, n=3, real=np.float64):
    return Part(number + 0.5, np.arange(n, dtype=real) + 10 * number, n)


def whole(n_parts=3, real=np.float64):
    table = np.arange(12, dtype=np.int32).reshape(3, 4)
    pair = Pair(0.25, part(7, 2, real), table, part(8, 5, real), -1)
    return Whole(4, tuple(part(k, k + 1, real) for k in range(n_parts)), pair, part(9))


@record
class Scalars(NamedTuple):
    """A number of every type."""

    whole: int
    real: float
    yes: bool
    no: bool
    int64: np.int64
    int32: np.int32
    uint32: np.uint32
    uint64: np.uint64
    float64: np.float64
    float32: np.float32
    true: np.bool_


SCALARS = Scalars(
    -3, -0.1, True, False, np.int64(-(2**40)), np.int32(-5), np.uint32(2**32 - 1), np.uint64(2**63 + 1),
    np.float64(1e300), np.float32(0.1), np.bool_(True),
)  # fmt: skip


@kernel
def _scalars(r):
    return (
        r.whole, r.real, r.yes, r.no, r.int64, r.int32, r.uint32, r.uint64, r.float64, r.float32, r.true
    )  # fmt: skip


def test_numbers_of_all_types_are_read_as_they_are():
    found = _scalars(SCALARS)
    for value, wanted in zip(found, SCALARS, strict=True):
        assert value == wanted
    # A boolean is one where it chooses, not a number.
    assert [type(value) is bool or type(value) is np.bool_ for value in found] == [
        isinstance(wanted, bool | np.bool_) for wanted in SCALARS
    ]


@kernel
def _single(r, out):
    out[0] = r.float32 * r.float32
    out[1] = r.float32 * r.int32


def test_a_number_keeps_its_type_in_arithmetic():
    out = np.zeros(2)
    _single(SCALARS, out)
    assert out[0] == np.float32(0.1) * np.float32(0.1)
    assert out[1] == np.float32(0.1) * np.int32(-5)


@kernel
def _nested(r, out):
    out[0] = r.name
    out[1] = r.pair.first
    out[2] = r.pair.one.values[1]
    out[3] = r.pair.other.values[4]
    out[4] = r.pair.other.n
    out[5] = r.pair.other.factor
    out[6] = r.pair.last
    out[7] = r.pair.table[2, 3]
    out[8] = r.anything.factor
    one, other = r.pair.one, r.anything
    out[9] = one.values[0] + other.values[0]


@of_both_types
def test_records_in_records_are_read_in_place(real):
    r, out = whole(real=real), np.zeros(10)
    _nested(r, out)
    pair = r.pair
    wanted = [
        4, 0.25, pair.one.values[1], pair.other.values[4], 5, 8.5, -1, 11, 9.5,
        pair.one.values[0] + r.anything.values[0],
    ]  # fmt: skip
    np.testing.assert_array_equal(out, wanted)


@kernel
def _sum_of_parts(r, out):
    for k in range(len(r.parts)):
        item = r.parts[k]
        for i in range(item.n):
            out[k] += item.factor * item.values[i]
    return len(r.parts)


@pytest.mark.parametrize("n_parts", [1, 2, 5])
def test_a_tuple_of_records_is_gone_through_by_index_whatever_its_length(n_parts):
    r, out = whole(n_parts), np.zeros(n_parts)
    assert _sum_of_parts(r, out) == n_parts
    np.testing.assert_array_equal(out, [item.factor * item.values.sum() for item in r.parts])


@needs_jit
def test_one_compilation_serves_tuples_of_any_length():
    before = len(_sum_of_parts._entry.signatures)
    for n_parts in (1, 2, 3, 4, 7):
        _sum_of_parts(whole(n_parts), np.zeros(n_parts))
    assert len(_sum_of_parts._entry.signatures) <= max(before, 1)


@kernel
def _of_part(item, k):
    return item.values[k]


@inlined
def _of_part_inlined(item, k):
    return item.factor * item.values[k]


@kernel
def _pass_on(r, out):
    for k in range(len(r.parts)):
        out[0, k] = _of_part(r.parts[k], 0)
        out[1, k] = _of_part_inlined(r.parts[k], 0)
    out[0, len(r.parts)] = _of_part(r.pair.other, 1)


def test_records_are_passed_on_to_other_kernels():
    r, out = whole(), np.zeros((2, 4))
    _pass_on(r, out)
    np.testing.assert_array_equal(out, [[0, 10, 20, 81], [0, 15, 50, 0]])


@kernel
def _write(r):
    r.values[1] = 7
    r.values[:1] = -1


def test_arrays_are_written_in_place():
    item = part(1)
    _write(item)
    np.testing.assert_array_equal(item.values, [-1, 7, 12])


# -- arrays -----------------------------------------------------------------------------------------------------------


@record
class Arrays(NamedTuple):
    """Arrays of one, two and three dimensions."""

    line: np.ndarray
    table: np.ndarray
    cube: np.ndarray
    words: np.ndarray  # uint32


def arrays(real=np.float64):
    line = np.arange(24, dtype=real)
    return Arrays(line, line.reshape(4, 6).copy(), line.reshape(2, 3, 4).copy(), np.arange(6, dtype=np.uint32))


@kernel
def _elements(r, out):
    out[0] = r.table[2, 3]
    out[1] = r.cube[1, 2, 0]
    out[2] = r.table[1][2]
    out[3] = r.words[np.uint32(3)]
    out[4] = r.table[np.int32(1), np.uint64(5)]
    out[5] = r.table.shape[0] * 1000 + r.table.shape[1]
    out[6] = r.cube.shape[2]
    out[7] = r.line.size + r.cube.ndim
    r.table[3, 5] = 100
    r.table[0, np.int32(1)] += 0.5
    r.words[2] = 2**32 - 1
    r.cube[1, 1, 1] = r.line[4]


@of_both_types
def test_elements_of_arrays_of_any_dimension_are_read_and_written(real):
    r, out = arrays(real), np.zeros(8)
    wanted = arrays(real)
    wanted.table[3, 5], wanted.words[2], wanted.cube[1, 1, 1] = 100, 2**32 - 1, 4
    wanted.table[0, 1] += 0.5
    _elements(r, out)
    np.testing.assert_array_equal(out, [15, 20, 8, 3, 11, 4006, 4, 27])
    for found, array in zip(r, wanted, strict=True):
        np.testing.assert_array_equal(found, array)


@kernel
def _parts(r, out):
    row = r.table[2]
    out[0] = row[1]
    out[1] = r.line[3:][2]
    out[2] = r.line[3:7].shape[0]
    out[3] = r.table.reshape(-1)[13]
    out[4] = r.line.reshape(3, 8)[2, 1]
    out[5] = r.table[1:3][1, 0]
    out[6] = r.line.view(np.int64)[1]
    out[7] = r.cube[1][2, 3]
    r.table.reshape(-1)[7] = -1
    r.line[20:] = -2
    r.table[3] = -3
    r.table[2, 4:] = -4


def test_views_slices_and_reshaped_arrays_are_the_same_memory():
    r, out, wanted = arrays(), np.zeros(8), arrays()
    wanted.table.reshape(-1)[7] = -1
    wanted.line[20:] = -2
    wanted.table[3] = -3
    wanted.table[2, 4:] = -4
    _parts(r, out)
    np.testing.assert_array_equal(out, [13, 5, 4, 13, 17, 12, np.float64(1).view(np.int64), 23])
    for found, array in zip(r, wanted, strict=True):
        np.testing.assert_array_equal(found, array)


@kernel
def _rows(r, out):
    for row in range(r.table.shape[0]):
        store(out, row, 2.0 * load(r.table, row))
    store(r.table, 0, load(r.table, 1))


@of_both_types
def test_rows_of_lanes_are_loaded_from_and_stored_in_arrays_of_records(real):
    r = arrays(real)._replace(table=rows(3, real))
    out, before = np.zeros((3, LANES), real), r.table.copy()
    _rows(r, out)
    np.testing.assert_array_equal(out, 2 * before)
    np.testing.assert_array_equal(r.table, before[[1, 1, 2]])


@kernel
def _at(r, k, out):
    out[0] = r.line[k]
    out[1] = r.line[3:][k]
    out[2] = r.table.reshape(-1)[k]
    out[3] = r.table.reshape(2, 12)[1, k]
    out[4] = r.line.view(np.uint64)[k]
    out[5] = r.table[1][k]
    out[6] = r.cube[1, 1, k]
    r.line[2:][k] = 100.0


@needs_jit
def test_no_index_into_an_array_of_a_record_is_asked_whether_it_is_negative():
    """Nor one into what is made of it. Here -1 is the number before the first: these arrays are middles."""
    around, out = np.arange(40.0), np.zeros(7)
    line, table, cube = around[8:32].copy(), around.copy()[8:32].reshape(4, 6), around[8:32].reshape(2, 3, 4)
    middle = Arrays(around[8:32], table, cube, np.zeros(1, np.uint32))
    _at(middle, -1, out)
    np.testing.assert_array_equal(out, [7, 10, 7, 19, np.float64(7).view(np.uint64), 13, 23])
    line[1] = 100
    np.testing.assert_array_equal(around[8:32], line)


def test_an_array_that_is_not_contiguous_is_refused():
    if INTERPRETED:
        pytest.skip("interpreted, any array will do")
    for values in (np.zeros((3, 2))[:, 0], np.zeros(6)[::2]):
        with pytest.raises(TypeError, match="array of a Part is not contiguous"):
            _write(part(1)._replace(values=values))
        with pytest.raises(TypeError, match="array of a Part is not contiguous"):
            _sum_of_parts(whole()._replace(parts=(part(1), part(2)._replace(values=values))), np.zeros(2))


@needs_jit
def test_what_is_handed_over_lives_as_long_as_the_call():
    """Arrays that nobody else holds, of all records of a tuple."""
    for _ in range(100):
        out = np.zeros(50)
        _sum_of_parts(Whole(1, tuple(part(k, 1000) for k in range(50)), whole().pair, part(1)), out)
        np.testing.assert_array_equal(out, [(k + 0.5) * (10 * k * 1000 + 499_500) for k in range(50)])


def test_a_named_tuple_is_a_record_where_it_is_declared_one():
    class Plain(NamedTuple):
        x: float

    assert is_record(part(1)) and is_record(whole())
    assert not is_record(Plain(1.0)) and not is_record((1.0, 2.0)) and not is_record(np.zeros(3))


class Plain(NamedTuple):
    """No record."""

    factor: float
    values: np.ndarray


@kernel
def _beside(r, plain, scalar, out):
    out[0] = r.factor + plain.factor + scalar
    out[1] = r.values[0] + plain.values[-1]


def test_records_go_beside_arguments_of_other_kinds():
    out = np.zeros(2)
    _beside(part(1), Plain(2.0, np.arange(3.0)), 3, out)
    np.testing.assert_array_equal(out, [6.5, 12.0])
