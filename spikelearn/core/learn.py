"""From the averages of a trial to new weights: one error for each neuron, then error x presynaptic average.

Which error, a learning rule says (`spikelearn.core.rules`).
"""

import numpy as np

from spikelearn.core.curves import slope, value
from spikelearn.core.jit import kernel
from spikelearn.core.lanes import LANES, absolute, fma, full, load, maximum, pick, store

STEP = 20.0  # both P of Table 1, times rate_max or its square


@kernel
def output_errors(step, own):
    """Errors of the output layer: rates under teaching minus rates predicted from the forward phase, times the slope.

    That is equation 28; the gradient of the log-likelihood is without the slope.
    """
    factor, one = own.error.dtype.type(step * own.dendrite_gain), own.error.dtype.type(1)
    for i in range(own.n):
        rise = one if own.likelihood else own.slope[i]
        own.error[i] = factor * (own.activity_target[i] - own.predicted[i]) * rise


@kernel
def mean_apical(layer, phase):
    """Average apical potentials over a phase: ``V_apical = Y x received + c``, received on average.

    Where plateaus come early, each neuron's own window counts.
    """
    apical, early, blocks, delivered = layer.apical, layer.early, layer.bias.shape[0], layer.received.delivered
    shifts = delivered.shape[0] // 2
    for block in range(blocks):
        row = phase * blocks + block
        for shift in range(shifts):
            potential = load(layer.apical_bias, block)
            for k in range(layer.n_feedback):
                received = delivered[phase * shifts + shift, k]
                potential = fma(received, load(layer.feedback, block * layer.n_feedback + k), potential)
            if shift == 0:
                store(apical, row, potential)
            else:
                for lane in range(LANES):
                    if early[phase, block * LANES + lane] == shift:
                        apical[row, lane] = pick(potential, lane)


@kernel
def derive(layer):
    """Work out what rules need from the averages: plateau potentials (equations 5, 21), predicted rates, slopes.

    ``alpha = plateau(mean V_apical)``, ``predicted = curve(mean V)``, ``slope = curve'(mean V)``.
    """
    for row in range(layer.apical.shape[0]):
        store(layer.plateau, row, value(layer.plateau_curve, load(layer.apical, row)))
    for block in range(layer.predicted.shape[0]):
        v = load(layer.v_forward, block)
        store(layer.predicted, block, value(layer.curve, v))
        store(layer.slope, block, slope(layer.curve, v))


@kernel
def apply_errors(layer, learning_rate):
    """Change weights by ``rate * error x presynaptic average`` and biases by ``rate * error``: the one place."""
    weights, bias, psp = layer.weights, layer.bias, layer.below.psp
    for block in range(bias.shape[0]):
        change, row0 = learning_rate * load(layer.error, block), block * layer.n_pre
        store(bias, block, load(bias, block) + change)
        reach = load(layer.reach, block)
        for j in range(layer.n_pre):
            if psp[j] != 0:  # most pixels of a digit are black
                changed = fma(psp[j], change, load(weights, row0 + j))
                reach = maximum(reach, absolute(changed))
                store(weights, row0 + j, changed)
        store(layer.reach, block, reach)


@kernel
def measure_reach(layer):
    """Find the largest weight of each neuron, in absolute value."""
    for block in range(layer.bias.shape[0]):
        reach = full(layer.weights, 0.0)
        for j in range(layer.n_pre):
            reach = maximum(reach, absolute(load(layer.weights, block * layer.n_pre + j)))
        store(layer.reach, block, reach)


@kernel
def loss(own):
    """Return the loss of a layer: hidden ``sum (alpha^t - alpha^f)^2`` (eq. 32), output eq. 23, (spikes/ms)^2."""
    total, rate_max = 0.0, own.error.dtype.type(own.rate_max)
    for i in range(own.n):
        if own.is_output:
            difference = rate_max * (own.activity_target[i] - own.predicted[i])
        else:
            difference = own.plateau_target[i] - own.plateau_forward[i]
        total += np.float64(difference) ** 2
    return total


@kernel
def angle(error, other):
    """Return the angle in degrees between two error vectors; NaN where one is zero."""
    dot, length, other_length = 0.0, 0.0, 0.0
    for i in range(error.shape[0]):
        dot += np.float64(error[i]) * np.float64(other[i])
        length += np.float64(error[i]) ** 2
        other_length += np.float64(other[i]) ** 2
    cosine = dot / np.sqrt(length * other_length) if length > 0 and other_length > 0 else np.nan
    return np.degrees(np.arccos(min(max(cosine, -1.0), 1.0))) if cosine == cosine else np.nan


@kernel
def not_finite(values):
    """Tell whether one of the numbers is not finite."""
    for i in range(values.shape[0]):
        if not np.isfinite(values[i]):
            return True
    return False
