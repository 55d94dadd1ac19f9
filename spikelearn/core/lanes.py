"""Lanes: the numbers of a block of 64 neurons, handled as one value.

``v = load(v_soma, block)`` takes row `block` of a (rows, 64) array; then ``keep * v + current`` is arithmetic on all
64 neurons, and `store` writes a row back. Interpreted, a value is a NumPy array. Compiled, it is an LLVM vector: it
stays in registers over a loop, and the machine's vector instructions are certain, where the usual loop over array
elements depends on what the compiler can prove about overlapping arrays. Scalars take the type of the lanes they meet.

Things that are not neurons come 16 at a time: `load_few` takes so many, and arithmetic on them is the same.
"""

import operator

import numpy as np
from llvmlite import binding, ir
from numba.core import cgutils, config, types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, overload, register_model

LANES = 64
FEW = 16
# Does the machine pick numbers from two registers by index? Not asked of one that is only named (NUMBA_CPU_NAME).
NAMED = config.CPU_NAME or config.CPU_FEATURES  # type: ignore[attr-defined]  # set while numba is imported
HAS_PERMUTATIONS = NAMED is None and bool(binding.get_host_cpu_features().get("avx512f"))


class LanesType(types.Type):
    """numba's type of a value of 64, or of 16, numbers."""

    def __init__(self, dtype: types.Type, count: int = LANES) -> None:
        self.dtype = dtype
        self.count = count
        super().__init__(name=f"Lanes({dtype}, {count})")


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, lanes_type):
        element = manager.lookup(lanes_type.dtype).get_value_type()
        super().__init__(manager, lanes_type, ir.VectorType(element, lanes_type.count))


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


def _row(context, builder, array_type, array, row):
    """Address of the first number of a row, without bounds check."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [builder.mul(row, ir.Constant(row.type, LANES))])


def _read(context, builder, lanes_type, first):
    """Read lanes that begin at an address."""
    loaded = builder.load(builder.bitcast(first, context.get_value_type(lanes_type).as_pointer()))
    loaded.align = lanes_type.dtype.bitwidth // 8
    return loaded


def _write(context, builder, lanes_type, first, value):
    """Write lanes that begin at an address."""
    stored = builder.store(value, builder.bitcast(first, context.get_value_type(lanes_type).as_pointer()))
    stored.align = lanes_type.dtype.bitwidth // 8
    return context.get_dummy_value()


def _is_rows(array):
    return isinstance(array, types.Array) and array.ndim == 2 and array.layout == "C"


@intrinsic
def _load(typing_context, array, row):
    def generate(context, builder, sig, args):
        return _read(context, builder, sig.return_type, _row(context, builder, array, *args))

    return LanesType(array.dtype)(array, types.intp), generate


@intrinsic
def _store(typing_context, array, row, value):
    def generate(context, builder, sig, args):
        return _write(context, builder, value, _row(context, builder, array, *args[:2]), args[2])

    return types.void(array, types.intp, value), generate


@intrinsic
def _full(typing_context, array, value):
    def generate(context, builder, sig, args):
        return _spread(context, builder, sig.return_type, args[1])

    return LanesType(array.dtype)(array, array.dtype), generate


@overload(full)
def _compiled_full(array, value):
    if _is_rows(array):
        return lambda array, value: _full(array, value)


@overload(load)
def _compiled_load(array, row):
    if _is_rows(array):
        return lambda array, row: _load(array, row)


@overload(store)
def _compiled_store(array, row, value):
    if _is_rows(array) and value == LanesType(array.dtype):
        return lambda array, row, value: _store(array, row, value)


# -- few at a time ----------------------------------------------------------------------------------------------------


def load_few(array, row, first):
    """Return 16 numbers of a row of an array of two dimensions, from index `first` on, or on into the next row."""
    return np.resize(array.reshape(-1)[row * array.shape[1] + first :][:FEW], FEW)


def store_few(array, row, first, value):
    """Write 16 numbers of a row of an array of two dimensions, from index `first` on."""
    array[row, first : first + FEW] = value


def gather(array, row, lanes, where):
    """Return the numbers of row `row` of a (rows, 64) array that stand at the given 16 lanes, and zero elsewhere.

    `where` says, lane by lane, which are wanted.
    """
    return np.where(where, array[row, lanes], array.dtype.type(0))


def choose(value, lanes, where):
    """Return those of 64 numbers that stand at the given 16 lanes, and zero elsewhere; `where` as in `gather`.

    Of lanes that are at hand anyway: with AVX-512 some instructions within registers, where a gather is 16 loads.
    """
    return np.where(where, value[lanes], value.dtype.type(0))


def append(array, row, n, value, where):
    """Write those of 16 numbers for which `where` is true into a row of an array, one after the other from `n` on."""
    chosen = value[where]
    array[row, n : n + len(chosen)] = chosen


def count(where):
    """Return how many of 16 are true."""
    return np.count_nonzero(where)


def _element(context, builder, array_type, array, row, index):
    """Address of a number, without bounds check."""
    array = context.make_array(array_type)(context, builder, array)
    length = builder.extract_value(array.shape, 1)
    return builder.gep(array.data, [builder.add(builder.mul(row, length), index)])


@intrinsic
def _load_few(typing_context, array, row, first):
    def generate(context, builder, sig, args):
        return _read(context, builder, sig.return_type, _element(context, builder, array, *args))

    return LanesType(array.dtype, FEW)(array, types.intp, types.intp), generate


@intrinsic
def _store_few(typing_context, array, row, first, value):
    def generate(context, builder, sig, args):
        return _write(context, builder, value, _element(context, builder, array, *args[:3]), args[3])

    return types.void(array, types.intp, types.intp, value), generate


def _call(builder, name, result, args):
    """Call an LLVM intrinsic."""
    signature = ir.FunctionType(result, [a.type for a in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, signature, name), args)


@intrinsic
def _gather(typing_context, array, row, lanes, where):
    def generate(context, builder, sig, args):
        vector = context.get_value_type(sig.return_type)
        first = _repeat(builder, _row(context, builder, array, *args[:2]), FEW)
        return _masked_gather(builder, array.dtype, first, args[2], args[3], ir.Constant(vector, None))

    return LanesType(array.dtype, FEW)(array, types.intp, lanes, where), generate


def _masked_gather(builder, dtype, first, lanes, where, otherwise):
    """Read the numbers at 16 distances from an address, where wanted."""
    addresses = builder.gep(first, [lanes], source_etype=otherwise.type.element)
    align = ir.Constant(ir.IntType(32), dtype.bitwidth // 8)
    name = f"llvm.masked.gather.v{FEW}f{dtype.bitwidth}.v{FEW}p0"
    return _call(builder, name, otherwise.type, [addresses, align, where, otherwise])


@intrinsic
def _choose(typing_context, value, lanes, where):
    few = LanesType(value.dtype, FEW)

    def generate(context, builder, sig, args):
        vector, zero = context.get_value_type(few), ir.Constant(context.get_value_type(few), None)
        if HAS_PERMUTATIONS and value.dtype == types.float32:
            halves = [_permute(builder, args[0], first, args[1]) for first in (0, LANES // 2)]
            bit = ir.Constant(args[1].type, [LANES // 2] * FEW)
            upper = builder.icmp_signed("!=", builder.and_(args[1], bit), ir.Constant(args[1].type, None))
            return builder.select(args[2], builder.select(upper, halves[1], halves[0]), zero)
        place = cgutils.alloca_once(builder, args[0].type)
        builder.store(args[0], place)
        first = _repeat(builder, builder.bitcast(place, vector.element.as_pointer()), FEW)
        return _masked_gather(builder, value.dtype, first, args[1], args[2], zero)

    return few(value, lanes, where), generate


def _permute(builder, value, first, lanes):
    """Pick 16 of the 32 numbers from `first` on, by the lower five bits of `lanes`."""
    empty = ir.Constant(value.type, ir.Undefined)
    index = ir.VectorType(ir.IntType(32), FEW)
    quarters = [
        builder.shuffle_vector(value, empty, ir.Constant(index, list(range(start, start + FEW))))
        for start in (first, first + FEW)
    ]
    return _call(builder, "llvm.x86.avx512.vpermi2var.ps.512", quarters[0].type, [quarters[0], lanes, quarters[1]])


@intrinsic
def _append(typing_context, array, row, n, value, where):
    def generate(context, builder, sig, args):
        kind = "f" if isinstance(array.dtype, types.Float) else "i"
        name = f"llvm.masked.compressstore.v{FEW}{kind}{array.dtype.bitwidth}"
        _call(builder, name, ir.VoidType(), [args[3], _element(context, builder, array, *args[:3]), args[4]])
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, value, where), generate


@intrinsic
def _count(typing_context, where):
    def generate(context, builder, sig, args):
        bits = builder.bitcast(args[0], ir.IntType(FEW))
        return builder.zext(builder.ctpop(bits), context.get_value_type(types.intp))

    return types.intp(where), generate


@overload(load_few)
def _compiled_load_few(array, row, first):
    if _is_rows(array):
        return lambda array, row, first: _load_few(array, row, first)


@overload(store_few)
def _compiled_store_few(array, row, first, value):
    if _is_rows(array) and value == LanesType(array.dtype, FEW):
        return lambda array, row, first, value: _store_few(array, row, first, value)


@overload(gather)
def _compiled_gather(array, row, lanes, where):
    if _is_rows(array) and isinstance(lanes, LanesType):
        return lambda array, row, lanes, where: _gather(array, row, lanes, where)


@overload(choose)
def _compiled_choose(value, lanes, where):
    if isinstance(value, LanesType) and isinstance(lanes, LanesType):
        return lambda value, lanes, where: _choose(value, lanes, where)


@overload(append)
def _compiled_append(array, row, n, value, where):
    if _is_rows(array) and value == LanesType(array.dtype, FEW):
        return lambda array, row, n, value, where: _append(array, row, n, value, where)


@overload(count)
def _compiled_count(where):
    if isinstance(where, LanesType):
        return lambda where: _count(where)


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


def _repeat(builder, value, n):
    """Turn a scalar into `n` of it."""
    undefined = ir.Constant(ir.VectorType(value.type, n), ir.Undefined)
    one = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(ir.IntType(32), n), [0] * n))


def _spread(context, builder, lanes_type, value):
    """Turn a scalar into lanes of it; leave lanes as they are."""
    return value if isinstance(value.type, ir.VectorType) else _repeat(builder, value, lanes_type.count)


def _lower(op, instruction):
    infer_global(op)(type(f"_{instruction}", (_LanesOperator,), {}))

    def generate(context, builder, sig, args):
        left, right = (_spread(context, builder, sig.return_type, a) for a in args)
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
        return builder.fcmp_ordered(symbol, args[0], _spread(context, builder, sig.args[0], args[1]))

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
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), name)
        return builder.call(function, [_spread(context, builder, lanes, x) for x in args])

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
        x, low, high = (_spread(context, builder, value, a) for a in args)
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
            full_name = f"{name}.v{value.count}f{value.dtype.bitwidth}"
            function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector]), full_name)
            return builder.call(function, args)

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
