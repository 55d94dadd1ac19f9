"""Lanes by the registers and cache lines of the machine, for the one loop that most of the time goes into."""

from llvmlite import ir
from numba.core import cgutils, types

from spikelearn.core.lanes import compile_as, is_line, line_address
from spikelearn.core.vectors import REGISTER, LanesType, call_llvm, read, spread

CACHE_LINE = 64  # bytes


def fetch(array, k, like):
    """Let the processor read as many numbers of an array as there are in `like`: they will be needed soon."""


@compile_as(
    fetch,
    lambda array, k, like: types.none if is_line(array) and isinstance(like, LanesType) else None,
    types.Array,
    types.Integer,
    LanesType,
)
def _fetch(context, builder, sig, args):
    first, lanes = line_address(context, builder, sig, args), sig.args[2]
    reading, keep, data = (ir.Constant(ir.IntType(32), number) for number in (0, 3, 1))
    for begin in range(0, lanes.count, CACHE_LINE * 8 // lanes.dtype.bitwidth):
        address = builder.gep(first, [ir.Constant(ir.IntType(32), begin)])
        prefetch = call_llvm(builder, "llvm.prefetch.p0", ir.VoidType(), [address, reading, keep, data])
        prefetch.attributes.add("convergent")  # so a loop with it is not unrolled: its rests would be foreseen badly
    return context.get_dummy_value()


def add_row(sums, factors, array, k):
    """Add the numbers of an array from number `k` on, times three factors, to three sums; return the sums.

    Register by register of the machine, so that what is needed at a time stays in them.
    """
    row = array[k : k + len(sums[0])]
    return tuple(total + factor * row for total, factor in zip(sums, factors, strict=True))


def _type_of_sums(sums, factors, array, k):
    if isinstance(sums, types.UniTuple) and isinstance(sums.dtype, LanesType) and is_line(array):
        return sums


@compile_as(add_row, _type_of_sums, types.UniTuple, types.UniTuple, types.Array, types.Integer)
def _add_row(context, builder, sig, args):
    lanes, index = sig.return_type.dtype, ir.IntType(32)
    width = REGISTER * 8 // lanes.dtype.bitwidth
    part = LanesType(lanes.dtype, width)
    name = f"llvm.fma.v{width}f{lanes.dtype.bitwidth}"
    first = line_address(context, builder, sig.replace(args=sig.args[2:]), args[2:])
    sums = cgutils.unpack_tuple(builder, args[0])
    factors = [
        spread(context, builder, part, context.cast(builder, factor, sig.args[1].dtype, lanes.dtype))
        for factor in cgutils.unpack_tuple(builder, args[1])
    ]
    vector = context.get_value_type(part)
    parts: list[list] = [[], [], []]
    for begin in range(0, lanes.count, width):
        row = read(context, builder, part, builder.gep(first, [ir.Constant(index, begin)]))
        which = ir.Constant(ir.VectorType(index, width), list(range(begin, begin + width)))
        for done, total, factor in zip(parts, sums, factors, strict=True):
            here = builder.shuffle_vector(total, ir.Constant(total.type, ir.Undefined), which)
            done.append(call_llvm(builder, name, vector, [factor, row, here]))
    return context.make_tuple(builder, sig.return_type, [_joined(builder, done) for done in parts])


def _joined(builder, parts):
    """Put vectors, a power of two of them, one after the other into one."""
    while len(parts) > 1:
        n = 2 * parts[0].type.count
        every = ir.Constant(ir.VectorType(ir.IntType(32), n), list(range(n)))
        parts = [builder.shuffle_vector(low, high, every) for low, high in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]
