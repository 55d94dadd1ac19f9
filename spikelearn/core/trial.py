"""Chunks of examples: the compiled loops that Python calls."""

from typing import NamedTuple

import numpy as np

from spikelearn.core.clock import TARGET, average_history, begin_trial, run_phase
from spikelearn.core.dynamics import sigmoid
from spikelearn.core.jit import kernel
from spikelearn.core.lanes import LANES, load, store
from spikelearn.core.learn import angles, apply_errors, compute_errors, losses, mean_apical

DONE, NOT_FINITE, OVERFLOW = 0, 1, 2
NO_LABEL = np.int64(-1)


class Schedule(NamedTuple):
    """The trials of a chunk, in steps."""

    lengths: np.ndarray  # (examples, 2) forward and target phase
    windows: np.ndarray  # (examples, 2, 2) first and last-plus-one step of the averages


class Results(NamedTuple):
    """What a chunk returns, by example."""

    prediction: np.ndarray  # (examples,) output with the highest mean potential
    loss: np.ndarray  # (examples, layers)
    angle: np.ndarray  # (examples, hidden layers) degrees to the errors of the rule compared with
    failure: np.ndarray  # (2,) example and layer where a chunk had to stop


@kernel
def present(net, state, work, averages, intensity, label, example, lengths, windows, rate_step):
    """Run one trial and leave its averages: a forward phase and, if it has a length, a target phase.

    Parameters
    ----------
    intensity : (n_inputs,) float32 array
        In [0, 1].
    label : int
        Correct class; read in the target phase only.
    example : int
        Number of the trial: with the keys, it fixes every draw.
    lengths : (2,) int64 array
    windows : (2, 2) int64 array
    rate_step : float
        Expected spikes of an input of intensity 1 in one step.

    Returns
    -------
    bool
        False if a buffer of spikes was too small.
    """
    averages.v_soma[:] = 0
    averages.activity[:] = 0
    averages.psp[:] = 0
    expected = rate_step * intensity.astype(np.float64)
    begin_trial(net, state, work)
    if lengths[TARGET] > 0:
        average_history(net, state, averages, windows)
    onset = np.int64(0)
    for phase in range(2):  # not two calls with the constants 0 and 1: numba would compile two versions
        if phase == TARGET and lengths[TARGET] > 0:
            teach(net, work, label)
        if not run_phase(net, state, work, averages, expected, example, phase, onset, lengths[phase], windows):
            return False
        onset += lengths[phase]
    for phase in range(2):
        n_steps = windows[phase, 1] - windows[phase, 0]
        if n_steps > 0:
            n_blocks = averages.v_soma.shape[0] // 2
            for row in range(phase * n_blocks, (phase + 1) * n_blocks):
                store(averages.v_soma, row, load(averages.v_soma, row) / n_steps)
                store(averages.activity, row, load(averages.activity, row) / n_steps)
    return True


@kernel
def teach(net, work, label):
    """Switch the teaching currents on: towards firing for the label, towards silence for the others."""
    output = net.layout.sizes.shape[0] - 1
    first = net.layout.first_block[output]
    for cell in range(net.layout.sizes[output]):
        work.current[first + cell // LANES, cell % LANES] = net.somas.teach[1 if cell == label else 0]


@kernel
def read_out(net, averages):
    """Return the output with the highest mean potential of the forward phase, and whether all are finite."""
    output = net.layout.sizes.shape[0] - 1
    first = net.layout.first_block[output]
    best = 0
    for cell in range(net.layout.sizes[output]):
        v = averages.v_soma[first + cell // LANES, cell % LANES]
        if v > averages.v_soma[first + best // LANES, best % LANES]:
            best = cell
    return best


@kernel
def first_not_finite(net, values):
    """Return the first layer in which a cell's value is not finite, or -1."""
    layout = net.layout
    for layer in range(layout.sizes.shape[0]):
        for cell in range(layout.sizes[layer]):
            if not np.isfinite(values[layout.first_block[layer] * LANES + cell]):
                return layer
    return -1


@kernel
def train_chunk(
    net, state, work, averages, rule, other_rule, trial, errors, images, labels, first_example, schedule,
    rate_step, learning_rates, carry_state, results,
):  # fmt: skip
    """Train on a chunk of examples; the weights of `net` and `state` change in place.

    Parameters
    ----------
    rule, other_rule : NamedTuple
        The rule that learns, and one whose errors are only compared with it.
    trial : Trial
        Views on `averages`, for the rules.
    errors : pair of (blocks, 64) float arrays
    images : (examples, n_inputs) float32 array, labels : (examples,) int64 array
    first_example : int
        Number of the first trial, counted from the beginning of training.
    learning_rates : (layers,) float64 array
    carry_state : bool
        Keep potentials and spikes from one example to the next.

    Returns
    -------
    int
        DONE, NOT_FINITE or OVERFLOW; then ``results.failure`` says where.
    """
    layout = net.layout
    n_layers = layout.sizes.shape[0]
    error, other = errors
    flat = error.reshape(-1)
    flat_other = other.reshape(-1)
    for k in range(images.shape[0]):
        example = first_example + k
        if not carry_state:
            rest(state)
        if not present(
            net, state, work, averages, images[k], labels[k], example, schedule.lengths[k], schedule.windows[k],
            rate_step,
        ):  # fmt: skip
            results.failure[0] = k
            return OVERFLOW
        derive(net, averages)
        for layer in range(n_layers - 1, -1, -1):
            compute_errors(rule, trial, layer, flat)
        for layer in range(n_layers - 1, -1, -1):
            compute_errors(other_rule, trial, layer, flat_other)
        bad = max(first_not_finite(net, trial.v_forward), first_not_finite(net, flat))
        if bad >= 0:
            results.failure[0] = k
            results.failure[1] = bad
            return NOT_FINITE
        results.prediction[k] = read_out(net, averages)
        losses(trial, results.loss[k])
        angles(trial, flat, flat_other, results.angle[k])
        apply_errors(net.weights, layout, error, averages.psp, learning_rates)
    return DONE


@kernel
def rest(state):
    """Forget all activity."""
    state.v_soma[:] = 0
    state.trace[:] = 0
    state.n_recent[0] = 0


@kernel
def derive(net, averages):
    """Work out what rules need from the averages: plateau potentials (equations 5, 21), predicted rates, slopes."""
    layout = net.layout
    n_layers = layout.sizes.shape[0]
    mean_apical(net.weights.feedback, averages.psp, layout.first_source[n_layers], layout.sizes[-1], averages.apical)
    for row in range(averages.apical.shape[0]):
        store(averages.plateau, row, sigmoid(load(averages.apical, row)))
    for block in range(averages.predicted.shape[0]):
        predicted = sigmoid(load(averages.v_soma, block))
        store(averages.predicted, block, predicted)
        store(averages.slope, block, predicted * (1.0 - predicted))


@kernel
def test_chunk(net, state, work, averages, images, first_example, schedule, rate_step, results):
    """Show test images, each to a network at rest; writes ``results.prediction``."""
    for k in range(images.shape[0]):
        rest(state)
        if not present(
            net, state, work, averages, images[k], NO_LABEL, first_example + k, schedule.lengths[k],
            schedule.windows[k], rate_step,
        ):  # fmt: skip
            results.failure[0] = k
            return OVERFLOW
        bad = first_not_finite(net, averages.v_soma.reshape(-1))
        if bad >= 0:
            results.failure[0] = k
            results.failure[1] = bad
            return NOT_FINITE
        results.prediction[k] = read_out(net, averages)
    return DONE
