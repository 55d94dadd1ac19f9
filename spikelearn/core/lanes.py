"""Lanes: the numbers of a block of 64 neurons, handled as one value.

``v = load(v_soma, block)`` takes row `block` of a (rows, 64) array; then ``keep * v + current`` is arithmetic on all
64 neurons, and `store` writes a row back. Interpreted, a value is a NumPy array. Compiled, it is an LLVM vector: it
stays in registers over a loop, and the machine's vector instructions are certain, where the usual loop over array
elements depends on what the compiler can prove about overlapping arrays. Scalars take the type of the lanes they meet.

Arithmetic holds for the shorter values of `few`, too.
"""

import itertools
import operator

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, type_callable
from numba.np.arrayobj import populate_array

from spikelearn.core.parts import compiled_as
from spikelearn.core.vectors import (
    LANES,
    LanesType,
    call_llvm,
    is_rows,
    read,
    row_address,
    spread,
    write,
)

NARROW = 16

# -- rows of arrays ---------------------------------------------------------------------------------------------------


def load(array, row):
    """Return a row of an array of lanes."""
    return array[row].copy()


def narrow(array, row):
    """Return the first 16 numbers of a row: all that layers of few neurons need."""
    return array[row, :NARROW].copy()


def store(array, row, value):
    """Write a row of an array of lanes, or as much of it as there is."""
    array[row, : len(value)] = value


def full(array, value):
    """Return lanes that are all `value`, of the type of `array`."""
    return np.full(LANES, value, array.dtype)


def flat(array):
    """Return all numbers of an array, row by row."""
    return array.reshape(-1)


def piece(array, k):
    """Return 16 numbers of an array of one dimension, from number `k` on."""
    return array[k : k + NARROW].copy()


def put_piece(array, k, value):
    """Write 16 numbers of an array of one dimension, from number `k` on."""
    array[k : k + len(value)] = value


def piece_like(array, k, like):
    """Return as many numbers of an array of one dimension, from number `k` on, as there are in `like`."""
    return array[k : k + len(like)].copy()


def compile_as(function, typer, *kinds):
    """Return a decorator for the LLVM code of a function of some types, which is put where the function is called."""
    type_callable(function)(lambda context: typer)
    return lower_builtin(function, *kinds)


def _row_of(array, row):
    return LanesType(array.dtype) if is_rows(array) else None


def _narrow_row_of(array, row):
    return LanesType(array.dtype, NARROW) if is_rows(array) else None


def _read_row(context, builder, sig, args):
    row = context.cast(builder, args[1], sig.args[1], types.intp)
    return read(context, builder, sig.return_type, row_address(context, builder, sig.args[0], args[0], row))


compile_as(load, _row_of, types.Array, types.Integer)(_read_row)
compile_as(narrow, _narrow_row_of, types.Array, types.Integer)(_read_row)


@compile_as(
    store,
    lambda array, row, value: types.none if is_rows(array) and isinstance(value, LanesType) else None,
    types.Array,
    types.Integer,
    LanesType,
)
def _write_row(context, builder, sig, args):
    row = context.cast(builder, args[1], sig.args[1], types.intp)
    return write(context, builder, sig.args[2], row_address(context, builder, sig.args[0], args[0], row), args[2])


def line_address(context, builder, sig, args):
    """Address of a number of an array of one dimension, given the arguments of a function of array and index."""
    first = context.make_array(sig.args[0])(context, builder, args[0]).data
    return builder.gep(first, [context.cast(builder, args[1], sig.args[1], types.intp)])


def is_line(array):
    """Tell whether this is numba's type of a contiguous array of one dimension."""
    return isinstance(array, types.Array) and array.ndim == 1 and array.layout == "C"


@compile_as(
    piece, lambda array, k: LanesType(array.dtype, NARROW) if is_line(array) else None, types.Array, types.Integer
)
def _read_piece(context, builder, sig, args):
    return read(context, builder, sig.return_type, line_address(context, builder, sig, args))


compile_as(
    piece_like,
    lambda array, k, like: like if is_line(array) and isinstance(like, LanesType) else None,
    types.Array,
    types.Integer,
    LanesType,
)(_read_piece)


@compile_as(
    put_piece,
    lambda array, k, value: types.none if is_line(array) and isinstance(value, LanesType) else None,
    types.Array,
    types.Integer,
    LanesType,
)
def _write_piece(context, builder, sig, args):
    return write(context, builder, sig.args[2], line_address(context, builder, sig, args), args[2])


@compile_as(full, _row_of, types.Array, types.Number)
def _fill_row(context, builder, sig, args):
    value = context.cast(builder, args[1], sig.args[1], sig.return_type.dtype)
    return spread(context, builder, sig.return_type, value)


@compile_as(flat, lambda array: array.copy(ndim=1) if is_rows(array) else None, types.Array)
def _flatten(context, builder, sig, args):
    rows = context.make_array(sig.args[0])(context, builder, args[0])
    line = context.make_array(sig.return_type)(context, builder)
    populate_array(line, rows.data, [rows.nitems], [rows.itemsize], rows.itemsize, None)
    return line._getvalue()


# -- one number of 64 -------------------------------------------------------------------------------------------------


def pick(value, lane):
    """Return one of the 64 numbers."""
    return value[lane]


@intrinsic
def _pick(typing_context, value, lane):
    def generate(context, builder, sig, args):
        return builder.extract_element(args[0], args[1])

    return value.dtype(value, types.intp), generate


@compiled_as(pick)
def _compiled_pick(value, lane):
    if isinstance(value, LanesType):
        return lambda value, lane: _pick(value, lane)


def put(value, lane, number):
    """Return the numbers with one of them replaced."""
    replaced = value.copy()
    replaced[lane] = number
    return replaced


@intrinsic
def _put(typing_context, value, lane, number):
    def generate(context, builder, sig, args):
        return builder.insert_element(args[0], args[2], args[1])

    return value(value, types.intp, value.dtype), generate


@compiled_as(put)
def _compiled_put(value, lane, number):
    if isinstance(value, LanesType):
        return lambda value, lane, number: _put(value, lane, number)


def total(value):
    """Return the sum of the 64 numbers, by halves: the same bits compiled and interpreted."""
    while len(value) > 1:
        value = value[: len(value) // 2] + value[len(value) // 2 :]
    return value[0]


@intrinsic
def _total(typing_context, value):
    def generate(context, builder, sig, args):
        part, n = args[0], LANES
        while n > 1:
            n //= 2
            index = [ir.Constant(ir.VectorType(ir.IntType(32), n), [first + k for k in range(n)]) for first in (0, n)]
            low, high = (builder.shuffle_vector(part, ir.Constant(part.type, ir.Undefined), i) for i in index)
            part = builder.fadd(low, high)
        return builder.extract_element(part, ir.Constant(ir.IntType(32), 0))

    return value.dtype(value), generate


@compiled_as(total)
def _compiled_total(value):
    if isinstance(value, LanesType):
        return lambda value: _total(value)


# -- arithmetic -------------------------------------------------------------------------------------------------------


class _LanesOperator(AbstractTemplate):
    """Type lanes with lanes of the same type, or lanes with a number: lanes."""

    def generic(self, args, kws):
        lanes = [a for a in args if isinstance(a, LanesType)]
        if lanes and all(a == lanes[0] or isinstance(a, types.Number) for a in args):
            return signature(lanes[0], *(a if a == lanes[0] else lanes[0].dtype for a in args))


def _lower(op, instruction, integers=None):
    infer_global(op)(type(f"_{op.__name__}", (_LanesOperator,), {}))

    def generate(context, builder, sig, args):
        kind = sig.return_type.dtype
        left, right = (
            value
            if arg == sig.return_type
            else spread(context, builder, sig.return_type, context.cast(builder, value, arg, kind))
            for value, arg in zip(args, sig.args, strict=True)
        )
        return getattr(builder, integers if isinstance(kind, types.Integer) else instruction)(left, right)

    for pair in ((LanesType, LanesType), (LanesType, types.Number), (types.Number, LanesType)):
        lower_builtin(op, *pair)(generate)


for _op, _instruction, _integers in (
    (operator.add, "fadd", "add"),
    (operator.sub, "fsub", "sub"),
    (operator.mul, "fmul", "mul"),
    (operator.truediv, "fdiv", None),
    (operator.and_, None, "and_"),
    (operator.rshift, None, "ashr"),
):
    _lower(_op, _instruction, _integers)


def fma(a, b, c):
    """Return ``a * b + c``; compiled, it is one instruction and rounded once."""
    return a * b + c


def _type_of_fma(a, b, c):
    lanes = [x for x in (a, b, c) if isinstance(x, LanesType)]
    if all(x == lanes[0] if isinstance(x, LanesType) else isinstance(x, types.Number) for x in (a, b, c)):
        return lanes[0] if lanes else types.float32 if a == b == c == types.float32 else types.float64


def _fma(context, builder, sig, args):
    lanes = sig.return_type
    if not isinstance(lanes, LanesType):
        numbers = [context.cast(builder, x, kind, lanes) for x, kind in zip(args, sig.args, strict=True)]
        return call_llvm(builder, f"llvm.fma.f{lanes.bitwidth}", numbers[0].type, numbers)
    numbers = [
        x if kind == lanes else spread(context, builder, lanes, context.cast(builder, x, kind, lanes.dtype))
        for x, kind in zip(args, sig.args, strict=True)
    ]
    name = f"llvm.fma.v{lanes.count}f{lanes.dtype.bitwidth}"
    return call_llvm(builder, name, context.get_value_type(lanes), numbers)


type_callable(fma)(lambda context: _type_of_fma)
for _kinds in itertools.product((LanesType, types.Number), repeat=3):
    lower_builtin(fma, *_kinds)(_fma)


def clip(value, low, high):
    """Limit lanes to ``low <= value <= high``; NaN stays."""
    return np.clip(value, low, high)


@intrinsic
def _clip(typing_context, value, low, high):
    def generate(context, builder, sig, args):
        x, low, high = (spread(context, builder, value, a) for a in args)
        x = builder.select(builder.fcmp_ordered("<", x, low), low, x)
        return builder.select(builder.fcmp_ordered(">", x, high), high, x)

    return value(value, value.dtype, value.dtype), generate


@compiled_as(clip)
def _compiled_clip(value, low, high):
    if isinstance(value, LanesType):
        return lambda value, low, high: _clip(value, low, high)


def _compile_to(name):
    """Return a decorator: compiled for lanes, the function of one argument is an LLVM intrinsic, lane by lane."""

    @intrinsic
    def call(typing_context, value):
        def generate(context, builder, sig, args):
            vector = context.get_value_type(value)
            return call_llvm(builder, f"{name}.v{value.count}f{value.dtype.bitwidth}", vector, args)

        return value(value), generate

    def decorate(function):
        @compiled_as(function)
        def compiled(value):
            if isinstance(value, LanesType):
                return lambda value: call(value)
            return function

        return function

    return decorate


@_compile_to("llvm.fabs")
def absolute(value):
    """Absolute value of a number or of lanes."""
    return np.abs(value)


@_compile_to("llvm.exp")
def exp_lanes(value):
    """Exponential of lanes."""
    return np.exp(value)


def maximum(left, right):
    """Larger of two lanes, neuron by neuron; NaN stays."""
    return np.maximum(left, right)


@intrinsic
def _maximum(typing_context, left, right):
    def generate(context, builder, sig, args):
        left, right = args
        takes_left = builder.or_(builder.fcmp_ordered(">", left, right), builder.fcmp_unordered("!=", left, left))
        return builder.select(takes_left, left, right)

    return left(left, right), generate


@compiled_as(maximum)
def _compiled_maximum(left, right):
    if isinstance(left, LanesType) and left == right:
        return lambda left, right: _maximum(left, right)
