"""Potentials: the sigmoid, the synaptic filter and the soma, one step for one block of 64 neurons.

Arrays are (blocks, 64); a kernel works on one block, so its innermost loop has a constant length and is contiguous,
which is what lets LLVM vectorise it. Few arrays to a loop: with many, its alias checks give up.
"""

import numpy as np
from numba import types
from numba.extending import overload

from spikelearn.core.jit import kernel
from spikelearn.core.random import LANES

# sigmoid(x) = 1/2 + x P(x^2) / Q(x^2) on |x| <= 16: minimax fit of this form, error 3e-9, 1.8e-7 in float32 arithmetic.
_P0, _P1, _P2 = np.float32(0.2499999926), np.float32(0.008398901597), np.float32(5.56908654e-05)
_P3, _P4 = np.float32(8.505526225e-08), np.float32(1.470986523e-11)
_Q1, _Q2 = np.float32(0.1169289086), np.float32(0.001633515361)
_Q3, _Q4 = np.float32(5.311364343e-06), np.float32(3.302399752e-09)
_ONE, _HALF, _EDGE = np.float32(1.0), np.float32(0.5), np.float32(16.0)


def sigmoid(x):
    """Logistic function; compiled, in float32 a rational approximation (error below 2e-7) that vectorises."""
    return type(x)(1.0 / (1.0 + np.exp(-x)))


def _sigmoid_float32(x):
    x = min(max(x, -_EDGE), _EDGE)
    square = x * x
    numerator = _P0 + square * (_P1 + square * (_P2 + square * (_P3 + square * _P4)))
    denominator = _ONE + square * (_Q1 + square * (_Q2 + square * (_Q3 + square * _Q4)))
    return _HALF + x * numerator / denominator


def _sigmoid_float64(x):
    return 1.0 / (1.0 + np.exp(-x))


@overload(sigmoid)
def _compiled_sigmoid(x):
    return _sigmoid_float32 if x == types.float32 else _sigmoid_float64


@kernel
def filter_step(drive, rise, decay, block, row, memory, filters):
    """Advance the two exponentials of the synapses by one step.

    A spike that arrives adds to both; one that turns `memory` steps old is taken out of both again, as a second,
    opposite event. With an unlimited kernel `memory` is 0 and what is taken out has weight 0.
    """
    for lane in range(LANES):
        new = drive[block, row + memory, lane]
        old = drive[block, row, lane]
        decay[block, lane] = filters.decay * (decay[block, lane] + new - filters.decay_cut * old)
        rise[block, lane] = filters.rise * (rise[block, lane] + new - filters.rise_cut * old)


@kernel
def soma_step(rise, decay, bias, current, v_soma, block, keep, dendrite, scale):
    """Advance the somata by one Euler step; the dendrite is ``bias + scale * (decay - rise)``."""
    for lane in range(LANES):
        v_dendrite = bias[block, lane] + scale * (decay[block, lane] - rise[block, lane])
        v_soma[block, lane] = keep * v_soma[block, lane] + dendrite * v_dendrite + current[block, lane]


@kernel
def rate_step(v_soma, activity, block):
    """Write the rates as fractions of `rate_max`."""
    for lane in range(LANES):
        activity[block, lane] = sigmoid(v_soma[block, lane])


@kernel
def add_row(values, total, phase, block):
    """Add a block to its running sum over the averaging window of `phase`."""
    for lane in range(LANES):
        total[phase, block, lane] += values[block, lane]
