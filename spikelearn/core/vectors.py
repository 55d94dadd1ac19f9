"""Vectors: what a value of many numbers is to numba, and the LLVM code that reads, writes and makes one.

`lanes` has the functions that kernels call.
"""

from llvmlite import binding, ir
from numba.core import cgutils, config, types
from numba.extending import models, register_model

# A sweep keeps three sums and a row of weights in registers: 32 registers of 16 floats hold rows of 64, 16 of 8 (AVX2)
# and 32 of 4 (NEON) half a row of 32. A machine that is only named (NUMBA_CPU_NAME) is not asked what it has.
NAMED = config.CPU_NAME or config.CPU_FEATURES  # type: ignore[attr-defined]  # set while numba is imported
LANES = 64 if NAMED is None and binding.get_host_cpu_features().get("avx512f") else 32
REGISTER = LANES  # bytes of a register


class LanesType(types.Type):
    """numba's type of a value of many numbers."""

    def __init__(self, dtype: types.Type, count: int = LANES) -> None:
        self.dtype = dtype
        self.count = count
        super().__init__(name=f"Lanes({dtype}, {count})")


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, lanes_type):
        element = manager.lookup(lanes_type.dtype).get_value_type()
        super().__init__(manager, lanes_type, ir.VectorType(element, lanes_type.count))


def row_address(context, builder, array_type, array, row):
    """Address of the first number of a row of lanes, without bounds check."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [builder.mul(row, ir.Constant(row.type, LANES))])


def read(context, builder, lanes_type, first):
    """Read lanes that begin at an address."""
    loaded = builder.load(builder.bitcast(first, context.get_value_type(lanes_type).as_pointer()))
    loaded.align = lanes_type.dtype.bitwidth // 8
    return loaded


def write(context, builder, lanes_type, first, value):
    """Write lanes that begin at an address."""
    stored = builder.store(value, builder.bitcast(first, context.get_value_type(lanes_type).as_pointer()))
    stored.align = lanes_type.dtype.bitwidth // 8
    return context.get_dummy_value()


def is_rows(array):
    """Tell whether this is numba's type of a contiguous array of two dimensions."""
    return isinstance(array, types.Array) and array.ndim == 2 and array.layout == "C"


def repeat(builder, value, n):
    """Turn a scalar into `n` of it."""
    undefined = ir.Constant(ir.VectorType(value.type, n), ir.Undefined)
    one = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(ir.IntType(32), n), [0] * n))


def spread(context, builder, lanes_type, value):
    """Turn a scalar into lanes of it; leave lanes as they are."""
    return value if isinstance(value.type, ir.VectorType) else repeat(builder, value, lanes_type.count)


def call_llvm(builder, name, result, args):
    """Call an LLVM intrinsic."""
    signature = ir.FunctionType(result, [a.type for a in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, signature, name), args)
