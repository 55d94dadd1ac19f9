"""From the averages of a trial to new weights: one error for each neuron, then error x presynaptic average.

A rule is a NamedTuple of constants and a kernel registered for its type; `compute_errors` picks the kernel when it is
compiled, so a rule costs no call through a pointer and compiled code stays cacheable.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from spikelearn.core.jit import kernel
from spikelearn.core.lanes import LANES, fma, full, load, pick, store
from spikelearn.core.layout import feeding_place


class Trial(NamedTuple):
    """What a rule may read. Cells are neurons, block by block; a layer is the cells ``first[l]`` to ``stop[l]``."""

    first: np.ndarray  # (layers,) first cell of each layer
    stop: np.ndarray  # (layers,) one past its last
    v_forward: np.ndarray  # (cells,) mean somatic potential, forward phase
    predicted: np.ndarray  # (cells,) sigmoid of v_forward
    slope: np.ndarray  # (cells,) derivative of the sigmoid at v_forward
    activity_target: np.ndarray  # (cells,) mean rate / rate_max of the outputs, target phase; 0 for others
    plateau_forward: np.ndarray  # (hidden cells,) plateau potentials, in (0, 1)
    plateau_target: np.ndarray
    dendrite_gain: np.ndarray  # (layers,) steady-state somatic over dendritic potential
    rate_max: np.floating  # spikes/ms
    forward: np.ndarray  # (rows, 64) weights in the core's order; a local rule has no business here
    weight_row: np.ndarray  # (blocks,) row of `forward` for presynaptic neuron 0 of that block
    feedback: np.ndarray  # (rows, 64) feedback weights, which a neuron knows of its own apical dendrite
    feedback_row: np.ndarray  # (hidden blocks + 1,) row of `feedback` for neuron 0 of the layer that feeds back
    feeding: np.ndarray  # (hidden layers,) that layer


_RULES: dict[type, Callable[..., None]] = {}


def register_rule(constants: type, errors: Callable[..., None]) -> None:
    """Make `errors` the kernel of the rule whose constants are a NamedTuple of type `constants`.

    Parameters
    ----------
    constants : type
        A NamedTuple class; its fields are numbers.
    errors : function compiled with `kernel`, so without allocating arrays
        ``errors(rule, trial, layer, error)`` writes ``error[first[layer]:stop[layer]]``, the negative gradient (or
        what stands for it) with respect to the dendritic potential, times the layer's factor. Layers come from
        the output down, so those above are ready.
    """
    _RULES[constants] = errors


def compute_errors(rule: Any, trial: Trial, layer: int, error: np.ndarray) -> None:
    """Call the kernel registered for the type of `rule`."""
    _RULES[type(rule)](rule, trial, layer, error)


@overload(compute_errors)
def _compiled_errors(rule, trial, layer, error):
    errors = _RULES[rule.instance_class] if isinstance(rule, types.BaseNamedTuple) else None

    def call(rule, trial, layer, error):
        errors(rule, trial, layer, error)

    return call


@kernel
def mean_apical(layout, feedback, averages):
    """Average apical potentials of both phases: feedback weights times what is received on average.

    Where plateaus come early, each neuron's own window counts.
    """
    echo, apical, early = averages.echo, averages.apical, averages.early
    n_blocks, shifts = apical.shape[0] // 2, echo.shape[0] // 2
    for row in range(apical.shape[0]):
        phase, block, layer = row // n_blocks, row % n_blocks, 0
        while block >= layout.first_block[layer + 1]:
            layer += 1
        feeding, first = layout.feeding[layer], feeding_place(layout, layer)
        for shift in range(shifts):
            potential = full(apical, 0.0)
            for k in range(layout.sizes[feeding]):
                received = echo[phase * shifts + shift, first + k]
                potential = fma(received, load(feedback, layout.feedback_row[block] + k), potential)
            if shift == 0:
                store(apical, row, potential)
            else:
                for lane in range(LANES):
                    if early[phase, block * LANES + lane] == shift:
                        apical[row, lane] = pick(potential, lane)


@kernel
def apply_errors(weights, layout, error, psp, learning_rates):
    """Change weights by ``rate * error x presynaptic average`` and biases by ``rate * error``: the one place."""
    forward, bias = weights.forward, weights.bias
    for layer in range(layout.sizes.shape[0]):
        low, high = layout.first_source[layer], layout.first_source[layer + 1]
        for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
            change = learning_rates[layer] * load(error, block)
            store(bias, block, load(bias, block) + change)
            shift = layout.weight_row[block] - low
            for source in range(low, high):
                if psp[source] != 0:  # most pixels of a digit are black
                    store(forward, shift + source, fma(psp[source], change, load(forward, shift + source)))


@kernel
def losses(trial, out):
    """Write the loss of each layer: hidden ``sum (alpha^t - alpha^f)^2`` (eq. 32), output eq. 23, (spikes/ms)^2."""
    n_layers = out.shape[0]
    for layer in range(n_layers):
        total = 0.0
        for cell in range(trial.first[layer], trial.stop[layer]):
            if layer < n_layers - 1:
                difference = trial.plateau_target[cell] - trial.plateau_forward[cell]
            else:
                difference = trial.rate_max * (trial.activity_target[cell] - trial.predicted[cell])
            total += np.float64(difference) ** 2
        out[layer] = total


@kernel
def angles(trial, error, other, out):
    """Write the angle in degrees between two error vectors of each hidden layer; NaN where one is zero."""
    for layer in range(out.shape[0]):
        dot = 0.0
        length = 0.0
        other_length = 0.0
        for cell in range(trial.first[layer], trial.stop[layer]):
            dot += np.float64(error[cell]) * np.float64(other[cell])
            length += np.float64(error[cell]) ** 2
            other_length += np.float64(other[cell]) ** 2
        cosine = dot / np.sqrt(length * other_length) if length > 0 and other_length > 0 else np.nan
        out[layer] = np.degrees(np.arccos(min(max(cosine, -1.0), 1.0))) if cosine == cosine else np.nan
