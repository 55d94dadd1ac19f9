"""Chunks of examples: the compiled loops that Python calls."""

from typing import NamedTuple

import numpy as np
from numba.extending import overload

from spikelearn.core import clock, event, rates
from spikelearn.core.dynamics import sigmoid
from spikelearn.core.feedback import draw_early, learn_feedback, refresh_feedback
from spikelearn.core.jit import kernel
from spikelearn.core.lanes import LANES, load, store
from spikelearn.core.learn import angles, apply_errors, compute_errors, losses, mean_apical

DONE, NOT_FINITE, OVERFLOW = 0, 1, 2
POTENTIAL, ERROR = 0, 1  # the quantities that are watched
NO_LABEL = np.int64(-1)


class Schedule(NamedTuple):
    """The trials of a chunk, in the engine's unit of time: steps, or ms."""

    lengths: np.ndarray  # (examples, 2) forward and target phase
    windows: np.ndarray  # (examples, 2, 2) first and last-plus-one step of the averages


class Results(NamedTuple):
    """What a chunk returns, by example."""

    prediction: np.ndarray  # (examples,) output with the highest mean potential
    loss: np.ndarray  # (examples, layers)
    angle: np.ndarray  # (examples, hidden layers) degrees to the errors of the rule compared with
    v_output: np.ndarray  # (examples, outputs) mean somatic potential, forward phase
    failure: np.ndarray  # (3,) example, layer and quantity at which a chunk had to stop


def present(net, state, work, averages, intensity, label, example, lengths, windows, rate):
    """Run one trial by the engine to which `net` belongs."""
    return _PRESENT[type(net)](net, state, work, averages, intensity, label, example, lengths, windows, rate)


_PRESENT = {clock.Network: clock.present, event.Network: event.present, rates.Network: rates.present}


@overload(present)
def _compiled_present(net, state, work, averages, intensity, label, example, lengths, windows, rate):
    engine = _PRESENT[net.instance_class]

    def call(net, state, work, averages, intensity, label, example, lengths, windows, rate):
        return engine(net, state, work, averages, intensity, label, example, lengths, windows, rate)

    return call


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
    net, state, work, averages, rule, other_rule, plan, trial, errors, images, labels, first_example, schedule,
    rate, learning_rates, carry_state, results,
):  # fmt: skip
    """Train on a chunk of examples; the weights of `net` and `state` change in place.

    Parameters
    ----------
    rule, other_rule : NamedTuple
        The rule that learns, and one whose errors are only compared with it.
    plan : NamedTuple
        What becomes of the feedback weights.
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
    refresh_feedback(plan, net, first_example)
    for k in range(images.shape[0]):
        example = first_example + k
        if not carry_state:
            rest(state)
        if not present(
            net, state, work, averages, images[k], labels[k], example, schedule.lengths[k], schedule.windows[k],
            rate,
        ):  # fmt: skip
            results.failure[0] = k
            return OVERFLOW
        draw_early(net, averages, example)
        derive(net, averages)
        for layer in range(n_layers - 1, -1, -1):
            compute_errors(rule, trial, layer, flat)
        for layer in range(n_layers - 1, -1, -1):
            compute_errors(other_rule, trial, layer, flat_other)
        for quantity in range(2):
            bad = first_not_finite(net, trial.v_forward if quantity == POTENTIAL else flat)
            if bad >= 0:
                results.failure[:] = k, bad, quantity
                return NOT_FINITE
        results.prediction[k] = read_out(net, averages)
        losses(trial, results.loss[k])
        angles(trial, flat, flat_other, results.angle[k])
        for cell in range(trial.first[n_layers - 1], trial.stop[n_layers - 1]):
            results.v_output[k, cell - trial.first[n_layers - 1]] = trial.v_forward[cell]
        apply_errors(net.weights, layout, error, averages.psp, learning_rates)
        learn_feedback(plan, net, trial, averages)
        refresh_feedback(plan, net, example + 1)
    return DONE


@kernel
def watch_trial(plan, net, state, work, averages, image, label, example, lengths, windows, rate):
    """Run one trial without learning and leave its averages and plateau potentials; False if a buffer overflowed."""
    refresh_feedback(plan, net, example)
    done = present(net, state, work, averages, image, label, example, lengths, windows, rate)
    draw_early(net, averages, example)
    derive(net, averages)
    return done


@kernel
def rest(state):
    """Forget all activity."""
    state.v_soma[:] = 0
    state.trace[:] = 0
    state.n_recent[0] = 0


@kernel
def derive(net, averages):
    """Work out what rules need from the averages: plateau potentials (equations 5, 21), predicted rates, slopes."""
    mean_apical(net.layout, net.weights.feedback, averages)
    for row in range(averages.apical.shape[0]):
        store(averages.plateau, row, sigmoid(load(averages.apical, row)))
    for block in range(averages.predicted.shape[0]):
        predicted = sigmoid(load(averages.v_soma, block))
        store(averages.predicted, block, predicted)
        store(averages.slope, block, predicted * (1.0 - predicted))


@kernel
def test_chunk(net, state, work, averages, images, first_example, schedule, rate, results):
    """Show test images, each to a network at rest; writes ``results.prediction``."""
    for k in range(images.shape[0]):
        rest(state)
        if not present(
            net, state, work, averages, images[k], NO_LABEL, first_example + k, schedule.lengths[k],
            schedule.windows[k], rate,
        ):  # fmt: skip
            results.failure[0] = k
            return OVERFLOW
        bad = first_not_finite(net, averages.v_soma.reshape(-1))
        if bad >= 0:
            results.failure[:] = k, bad, POTENTIAL
            return NOT_FINITE
        results.prediction[k] = read_out(net, averages)
    return DONE
