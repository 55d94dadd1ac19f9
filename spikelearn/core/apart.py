"""A function that is compiled apart from those that call it, once for all of these: they are told its address.

What happens in a trial depends on the engine and on the curves of the neurons, not on the rule that learns from it. So
it is not compiled anew for every rule, nor for testing and recording.
"""

from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from spikelearn.core.jit import Kernel
from spikelearn.core.layer import Trial


def trial_type(model: Any) -> Any:
    """Return numba's type of a `Trial`, given that of the engine's record: times are of the type of `elapsed`."""
    time = dict(model.fields)["elapsed"].dtype
    return types.NamedTuple(
        (
            types.int64,
            types.int64,
            types.Array(types.float64, 1, "C"),
            types.Array(time, 1, "C"),
            types.Array(time, 2, "C"),
            types.float64,
            types.boolean,
        ),
        Trial,
    )


def arguments(model: Any, inputs: Any, layers: Any) -> tuple[Any, ...]:
    """Return the types of what a function that presents a trial is called with, given those of three records."""
    return model, inputs, layers, trial_type(model), types.Array(types.float32, 1, "C")


def address_of(compiled: Any, net: Any) -> int:
    """Return the address of a function that presents a trial to a network, compiled if it must be; 0: interpreted."""
    if not isinstance(compiled, Kernel):
        return 0
    fields = dict(net.fields)
    return compiled.address(arguments(fields["model"], fields["inputs"], fields["layers"]))


@intrinsic
def call_at(typing_context, address, model, inputs, layers, trial, intensity):
    """Call such a function at an address; what it is called with must be of the types it is compiled for."""
    given, wanted = (model, inputs, layers, trial, intensity), arguments(model, inputs, layers)
    if given != wanted:
        raise TypeError(f"a trial is presented with {given[3:]}; compiled apart is what takes {wanted[3:]}")

    def generate(context, builder, signature, args):
        function_type = context.call_conv.get_function_type(types.boolean, given)
        function = builder.inttoptr(args[0], function_type.as_pointer())
        status, result = context.call_conv.call_function(builder, function, types.boolean, given, args[1:])
        with cgutils.if_unlikely(builder, status.is_error):
            context.call_conv.return_status_propagate(builder, status)
        return result

    return types.boolean(address, *given), generate
