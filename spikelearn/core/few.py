"""Few: numbers handled sixteen at a time, as one value, where what they belong to is not a block of neurons.

The value is of the kind that `lanes` has, only shorter, and arithmetic on it is the same.
"""

import numpy as np
from llvmlite import binding, ir
from numba.core import cgutils, config, types
from numba.extending import intrinsic, overload

from spikelearn.core.vectors import LANES, LanesType, call_llvm, is_rows, read, repeat, row_address, write

FEW = 16
# Does the machine pick numbers from two registers by index? Not asked of one that is only named (NUMBA_CPU_NAME).
NAMED = config.CPU_NAME or config.CPU_FEATURES  # type: ignore[attr-defined]  # set while numba is imported
HAS_PERMUTATIONS = NAMED is None and bool(binding.get_host_cpu_features().get("avx512f"))


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
        return read(context, builder, sig.return_type, _element(context, builder, array, *args))

    return LanesType(array.dtype, FEW)(array, types.intp, types.intp), generate


@intrinsic
def _store_few(typing_context, array, row, first, value):
    def generate(context, builder, sig, args):
        return write(context, builder, value, _element(context, builder, array, *args[:3]), args[3])

    return types.void(array, types.intp, types.intp, value), generate


@intrinsic
def _gather(typing_context, array, row, lanes, where):
    def generate(context, builder, sig, args):
        vector = context.get_value_type(sig.return_type)
        first = repeat(builder, row_address(context, builder, array, *args[:2]), FEW)
        return _masked_gather(builder, array.dtype, first, args[2], args[3], ir.Constant(vector, None))

    return LanesType(array.dtype, FEW)(array, types.intp, lanes, where), generate


def _masked_gather(builder, dtype, first, lanes, where, otherwise):
    """Read the numbers at 16 distances from an address, where wanted."""
    addresses = builder.gep(first, [lanes], source_etype=otherwise.type.element)
    align = ir.Constant(ir.IntType(32), dtype.bitwidth // 8)
    name = f"llvm.masked.gather.v{FEW}f{dtype.bitwidth}.v{FEW}p0"
    return call_llvm(builder, name, otherwise.type, [addresses, align, where, otherwise])


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
        first = repeat(builder, builder.bitcast(place, vector.element.as_pointer()), FEW)
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
    return call_llvm(builder, "llvm.x86.avx512.vpermi2var.ps.512", quarters[0].type, [quarters[0], lanes, quarters[1]])


@intrinsic
def _append(typing_context, array, row, n, value, where):
    def generate(context, builder, sig, args):
        kind = "f" if isinstance(array.dtype, types.Float) else "i"
        name = f"llvm.masked.compressstore.v{FEW}{kind}{array.dtype.bitwidth}"
        call_llvm(builder, name, ir.VoidType(), [args[3], _element(context, builder, array, *args[:3]), args[4]])
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
    if is_rows(array):
        return lambda array, row, first: _load_few(array, row, first)


@overload(store_few)
def _compiled_store_few(array, row, first, value):
    if is_rows(array) and value == LanesType(array.dtype, FEW):
        return lambda array, row, first, value: _store_few(array, row, first, value)


@overload(gather)
def _compiled_gather(array, row, lanes, where):
    if is_rows(array) and isinstance(lanes, LanesType):
        return lambda array, row, lanes, where: _gather(array, row, lanes, where)


@overload(choose)
def _compiled_choose(value, lanes, where):
    if isinstance(value, LanesType) and isinstance(lanes, LanesType):
        return lambda value, lanes, where: _choose(value, lanes, where)


@overload(append)
def _compiled_append(array, row, n, value, where):
    if is_rows(array) and value == LanesType(array.dtype, FEW):
        return lambda array, row, n, value, where: _append(array, row, n, value, where)


@overload(count)
def _compiled_count(where):
    if isinstance(where, LanesType):
        return lambda where: _count(where)
