"""Lanes: the numbers of a block of 64 neurons, handled as one value.

``v = load(v_soma, block)`` takes row `block` of a (rows, 64) array; then ``keep * v + current`` is arithmetic on all
64 neurons, and `store` writes a row back. Interpreted, a value is a NumPy array. Compiled, it is an LLVM vector: it
stays in registers over a loop, and the machine's vector instructions are certain, where the usual loop over array
elements depends on what the compiler can prove about overlapping arrays. Scalars take the type of the lanes they meet.

Arithmetic holds for the shorter values of `few`, too.
"""

import operator

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, overload

from spikelearn.core.vectors import LANES, LanesType, call_llvm, is_rows, read, row_address, spread, write

# -- rows of arrays ---------------------------------------------------------------------------------------------------


def load(array, row):
    """Return row `row` of a (rows, 64) array."""
    return array[row].copy()


def store(array, row, value):
    """Write row `row` of a (rows, 64) array."""
    array[row] = value


def full(array, value):
    """Return lanes that are all `value`, of the type of `array`."""
    return np.full(LANES, value, array.dtype)


@intrinsic
def _load(typing_context, array, row):
    def generate(context, builder, sig, args):
        return read(context, builder, sig.return_type, row_address(context, builder, array, *args))

    return LanesType(array.dtype)(array, types.intp), generate


@intrinsic
def _store(typing_context, array, row, value):
    def generate(context, builder, sig, args):
        return write(context, builder, value, row_address(context, builder, array, *args[:2]), args[2])

    return types.void(array, types.intp, value), generate


@intrinsic
def _full(typing_context, array, value):
    def generate(context, builder, sig, args):
        return spread(context, builder, sig.return_type, args[1])

    return LanesType(array.dtype)(array, array.dtype), generate


@overload(full)
def _compiled_full(array, value):
    if is_rows(array):
        return lambda array, value: _full(array, value)


@overload(load)
def _compiled_load(array, row):
    if is_rows(array):
        return lambda array, row: _load(array, row)


@overload(store)
def _compiled_store(array, row, value):
    if is_rows(array) and value == LanesType(array.dtype):
        return lambda array, row, value: _store(array, row, value)


# -- one number of 64 -------------------------------------------------------------------------------------------------


def pick(value, lane):
    """Return one of the 64 numbers."""
    return value[lane]


@intrinsic
def _pick(typing_context, value, lane):
    def generate(context, builder, sig, args):
        return builder.extract_element(args[0], args[1])

    return value.dtype(value, types.intp), generate


@overload(pick)
def _compiled_pick(value, lane):
    if isinstance(value, LanesType):
        return lambda value, lane: _pick(value, lane)


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


@overload(total)
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


def _lower(op, instruction):
    infer_global(op)(type(f"_{instruction}", (_LanesOperator,), {}))

    def generate(context, builder, sig, args):
        left, right = (spread(context, builder, sig.return_type, a) for a in args)
        return getattr(builder, instruction)(left, right)

    for pair in ((LanesType, LanesType), (LanesType, types.Number), (types.Number, LanesType)):
        lower_builtin(op, *pair)(generate)


for _op, _instruction in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _lower(_op, _instruction)


class _Comparison(AbstractTemplate):
    """Type lanes compared with lanes of the same type, or with a number: truth values, lane by lane."""

    def generic(self, args, kws):
        left, right = args
        if isinstance(left, LanesType) and (left == right or isinstance(right, types.Number)):
            return signature(LanesType(types.boolean, left.count), left, left if left == right else left.dtype)


def _lower_comparison(op, symbol):
    infer_global(op)(type(f"_{op.__name__}", (_Comparison,), {}))

    def generate(context, builder, sig, args):
        return builder.fcmp_ordered(symbol, args[0], spread(context, builder, sig.args[0], args[1]))

    for right in (LanesType, types.Number):
        lower_builtin(op, LanesType, right)(generate)


_lower_comparison(operator.lt, "<")
_lower_comparison(operator.gt, ">")


class _Both(AbstractTemplate):
    """Type the conjunction of truth values."""

    def generic(self, args, kws):
        if isinstance(args[0], LanesType) and args[0] == args[1] and args[0].dtype == types.boolean:
            return signature(args[0], *args)


infer_global(operator.and_)(_Both)


@lower_builtin(operator.and_, LanesType, LanesType)
def _both(context, builder, sig, args):
    return builder.and_(*args)


def fma(a, b, c):
    """Return ``a * b + c``; of lanes, compiled, it is one instruction and rounded once."""
    return a * b + c


@intrinsic
def _fma(typing_context, a, b, c):
    lanes = next(x for x in (a, b, c) if isinstance(x, LanesType))

    def generate(context, builder, sig, args):
        vector = context.get_value_type(lanes)
        name = f"llvm.fma.v{lanes.count}f{lanes.dtype.bitwidth}"
        return call_llvm(builder, name, vector, [spread(context, builder, lanes, x) for x in args])

    return lanes(*(x if x == lanes else lanes.dtype for x in (a, b, c))), generate


@overload(fma)
def _compiled_fma(a, b, c):
    lanes = [x for x in (a, b, c) if isinstance(x, LanesType)]
    if lanes and all(x == lanes[0] or isinstance(x, types.Number) for x in (a, b, c)):
        return lambda a, b, c: _fma(a, b, c)
    if all(isinstance(x, types.Number) for x in (a, b, c)):
        return lambda a, b, c: a * b + c


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


@overload(clip)
def _compiled_clip(value, low, high):
    if isinstance(value, LanesType):
        return lambda value, low, high: _clip(value, low, high)


def _compile_to(name):
    """Return a decorator: compiled, the function of one argument is an LLVM intrinsic, lane by lane."""

    @intrinsic
    def call(typing_context, value):
        def generate(context, builder, sig, args):
            vector = context.get_value_type(value)
            return call_llvm(builder, f"{name}.v{value.count}f{value.dtype.bitwidth}", vector, args)

        return value(value), generate

    def decorate(function):
        @overload(function)
        def compiled(value):
            if isinstance(value, LanesType):
                return lambda value: call(value)

        return function

    return decorate


@_compile_to("llvm.fabs")
def absolute(value):
    """Absolute value of lanes."""
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


@overload(maximum)
def _compiled_maximum(left, right):
    if isinstance(left, LanesType) and left == right:
        return lambda left, right: _maximum(left, right)
