"""Chunks of examples: the compiled loops that Python calls, and all that depends on the number of layers."""

from collections import namedtuple
from typing import Any, NamedTuple

import numpy as np

from spikelearn.core import continuous, euler, exact, rates
from spikelearn.core.apart import call_at
from spikelearn.core.feedback import draw_early, learn_feedback, refresh_feedback
from spikelearn.core.identity import content, is_core
from spikelearn.core.jit import inlined, kernel
from spikelearn.core.layer import FORWARD, Trial, window_there
from spikelearn.core.learn import (
    angle,
    derive,
    loss,
    mean_apical,
    measure_reach,
    not_finite,
)
from spikelearn.core.parts import compiled_as
from spikelearn.core.records import record
from spikelearn.core.rules import change_weights, compute_errors, compute_others, draw_all, tell

DONE, NOT_FINITE, OVERFLOW = 0, 1, 2
POTENTIAL, ERROR = 0, 1  # the quantities that are watched


class Schedule(NamedTuple):
    """The trials of a chunk, in the engine's unit of time: steps, or ms. An example is shown once, or more often."""

    first: int  # number of the first showing, counted from the beginning of training
    learns: np.ndarray  # (showings of an example,) bool, is it learned after this one?
    lengths: np.ndarray  # (showings, 2) forward and target phase, 0 if there is none
    windows: np.ndarray  # (showings, 2, 2) where the averages of each phase begin and end; 0 and 0: those before stay
    rate: float  # expected spikes of an input of intensity 1 in the unit
    targets: np.ndarray  # (examples, classes) float64
    averaged: bool  # are filtered spikes averaged? No rule reads those of a test image


class Results(NamedTuple):
    """What a chunk returns, by showing."""

    prediction: np.ndarray  # (showings,) output with the highest mean potential
    loss: np.ndarray  # (showings, layers)
    angle: np.ndarray  # (showings, hidden layers) degrees to the errors of the rule compared with
    v_output: np.ndarray  # (showings, outputs) mean somatic potential, forward phase
    potentials: np.ndarray  # (showings or 0, neurons, inputs first) means of the somata, if they are asked for
    counts: np.ndarray  # (showings or 0, neurons) int64 spikes, likewise
    failure: np.ndarray  # (3,) showing, layer and quantity at which a chunk had to stop


class Loops(NamedTuple):
    """Kernels of an engine."""

    present: Any
    remember_all: Any
    count_spikes: Any


_LOOPS: dict[str, Loops] = {}  # by the name of the record with the engine's numbers


def register_engine(model: type, loops: Any) -> None:
    """Make the functions `present`, `remember_all` and `count_spikes` of a module those for a record of numbers.

    `spikelearn.core.rates` is the shortest of them.
    """
    _LOOPS[model.__name__] = Loops(loops.present, loops.remember_all, loops.count_spikes)


register_engine(euler.Euler, euler)
register_engine(exact.Exact, continuous)
register_engine(rates.Rates, rates)


def engine_of(model: Any) -> Loops:
    """Return the kernels of the engine that a record of numbers belongs to."""
    return _LOOPS[type(model).__name__]


def with_engine(model: Any) -> Any:
    """Return an engine's numbers as a record of a class that stands for what the engine's code is made of now.

    numba does not compile anew for a class that it has met, so code that was edited needs another.
    """
    loops = engine_of(model)
    own = [each for each in loops if not is_core(getattr(each, "py_func", each))]
    if not own:
        return model
    name = f"{type(model).__name__}_{content(*own).digest}"
    _LOOPS[name] = loops
    make: Any = namedtuple
    return record(make(name, model._fields, module=__name__))(*model)


def present(net, trial, intensity):
    """Run one trial by the engine of the network; False if a buffer of spikes was too small."""
    return engine_of(net.model).present(net.model, net.inputs, net.layers, trial, intensity)


def by_engine(model, inputs, layers, trial, intensity):
    """Run one trial by the engine that `model` belongs to; False if a buffer of spikes was too small."""
    return engine_of(model).present(model, inputs, layers, trial, intensity)


@kernel
def run_trial(model, inputs, layers, trial, intensity):
    """Run one trial: compiled for itself, see `spikelearn.core.apart`."""
    return by_engine(model, inputs, layers, trial, intensity)


def remember_all(model, inputs, layers):
    """Turn the spikes of the last trial into memory, by the engine that `model` belongs to."""
    engine_of(model).remember_all(model, inputs, layers)


def count_spikes(model, spikes, start, stop, counts, k, column):
    """Count the spikes of a population in a window, by the engine that `model` belongs to."""
    engine_of(model).count_spikes(model, spikes, start, stop, counts, k, column)


@compiled_as(present)
def _compiled_call(net, trial, intensity):
    return lambda net, trial, intensity: call_at(net.present, net.model, net.inputs, net.layers, trial, intensity)


@compiled_as(by_engine)
def _compiled_present(model, inputs, layers, trial, intensity):
    engine = _LOOPS[model.cls_name].present
    return lambda model, inputs, layers, trial, intensity: engine(model, inputs, layers, trial, intensity)


@compiled_as(remember_all)
def _compiled_remember(model, inputs, layers):
    engine = _LOOPS[model.cls_name].remember_all
    return lambda model, inputs, layers: engine(model, inputs, layers)


@compiled_as(count_spikes)
def _compiled_count(model, spikes, start, stop, counts, k, column):
    engine = _LOOPS[model.cls_name].count_spikes
    return lambda model, spikes, start, stop, counts, k, column: engine(model, spikes, start, stop, counts, k, column)


@inlined
def read_out(output):
    """Return the class whose outputs have the highest mean potential of the forward phase."""
    best, highest = 0, -np.inf
    for label in range(output.n // output.population):
        total = 0.0
        for i in range(label * output.population, (label + 1) * output.population):
            total += np.float64(output.own.v_forward[i])
        if total > highest:
            best, highest = label, total
    return best


@inlined
def bad_layer(layers, quantity):
    """Return the first layer with a potential or an error that is not finite, or -1."""
    for number in range(len(layers)):
        own = layers[number].own
        if not_finite(own.v_forward if quantity == POTENTIAL else own.error):
            return number
    return -1


@inlined
def measure_all(layers):
    """Find the largest weights; from then on learning keeps count of them."""
    for number in range(len(layers)):
        measure_reach(layers[number])


@inlined
def make_trial(schedule, k):
    """Return showing `k` of a chunk."""
    target = schedule.targets[k // schedule.learns.shape[0]]
    return Trial(
        schedule.first + k, k, target, schedule.lengths[k], schedule.windows[k], schedule.rate, schedule.averaged
    )


@inlined
def derive_all(layers, pathway, trial):
    """Work out plateau potentials, predicted rates and slopes of all layers."""
    for number in range(len(layers)):
        layer = layers[number]
        for phase in range(2):
            if not layer.is_output and window_there(trial, phase):
                draw_early(layer, pathway, trial.example, phase)
                mean_apical(layer, phase)
        derive(layer)


@kernel
def train_chunk(net, rule, other_rule, plan, images, labels, schedule, learning_rates, carry_state, results):
    """Train on a chunk of examples; the weights of `net` and what it carries over change in place.

    Parameters
    ----------
    rule, other_rule : NamedTuple
        The rule that learns, and one whose errors are only compared with it.
    plan : NamedTuple
        What becomes of the feedback weights.
    images : (examples, n_inputs) float32 array, labels : (examples,) int64 array
    learning_rates : (layers,) float64 array
    carry_state : bool
        Keep potentials and spikes from one example to the next.

    Returns
    -------
    int
        DONE, NOT_FINITE or OVERFLOW; then ``results.failure`` says where.
    """
    layers, n_layers, n_parts = net.layers, len(net.layers), schedule.learns.shape[0]
    measure_all(layers)
    refresh_feedback(plan, layers, net.pathway, schedule.first)
    for k in range(schedule.lengths.shape[0]):
        trial, part = make_trial(schedule, k), k % n_parts
        if part == 0 and not carry_state:
            rest(net)
        if not present(net, trial, images[k // n_parts]):
            results.failure[0] = k
            return OVERFLOW
        derive_all(layers, net.pathway, trial)
        output = layers[n_layers - 1].own
        results.prediction[k] = read_out(layers[n_layers - 1])
        for i in range(output.n):
            results.v_output[k, i] = output.v_forward[i]
        for number in range(n_layers):
            results.loss[k, number] = loss(layers[number].own)
        tell(layers, 1.0 if results.prediction[k] == labels[k // n_parts] else 0.0)
        if schedule.learns[part]:
            draw_all(rule, other_rule, layers, net.pathway, trial.example)
            compute_errors(rule, layers)
            compute_others(other_rule, layers)
        for quantity in range(2 if schedule.learns[part] else 1):
            bad = bad_layer(layers, quantity)
            if bad >= 0:
                results.failure[:] = k, bad, quantity
                return NOT_FINITE
        if schedule.learns[part]:
            for number in range(n_layers):
                layer = layers[number]
                if number < n_layers - 1:
                    results.angle[k, number] = angle(layer.own.error, layer.other.error)
                change_weights(rule, layer, learning_rates[number])
            learn_feedback(plan, layers, net.pathway, trial.example, learning_rates)
        refresh_feedback(plan, layers, net.pathway, trial.example + 1)
    return DONE


@kernel
def test_chunk(net, images, schedule, results):
    """Show test images, each to a network at rest; writes ``results.prediction``."""
    measure_all(net.layers)
    for k in range(images.shape[0]):
        rest(net)
        if not present(net, make_trial(schedule, k), images[k]):
            results.failure[0] = k
            return OVERFLOW
        bad = bad_layer(net.layers, POTENTIAL)
        if bad >= 0:
            results.failure[:] = k, bad, POTENTIAL
            return NOT_FINITE
        results.prediction[k] = read_out(net.layers[len(net.layers) - 1])
        if results.potentials.shape[0] > 0:
            keep_potentials(net.layers, results.potentials, k)
        if results.counts.shape[0] > 0:
            count_all(net, schedule.windows[k], results.counts, k)
    return DONE


@kernel
def keep_potentials(layers, potentials, k):
    """Write the mean potentials of all layers into row `k`, after as many columns as there are inputs."""
    column = layers[0].n_pre
    for number in range(len(layers)):
        own = layers[number].own
        for i in range(own.n):
            potentials[k, column + i] = own.v_forward[i]
        column += own.n


@kernel
def count_all(net, windows, counts, k):
    """Count the spikes of inputs and layers in the window of the forward phase into row `k`."""
    start, stop, column = windows[FORWARD, 0], windows[FORWARD, 1], net.layers[0].n_pre
    count_spikes(net.model, net.inputs, start, stop, counts, k, 0)
    for number in range(len(net.layers)):
        count_spikes(net.model, net.layers[number].spikes, start, stop, counts, k, column)
        column += net.layers[number].n


@kernel
def watch_trial(net, plan, image, schedule):
    """Run one trial without learning and leave its averages and plateau potentials; False if a buffer overflowed."""
    measure_all(net.layers)
    refresh_feedback(plan, net.layers, net.pathway, schedule.first)
    trial = make_trial(schedule, 0)
    done = present(net, trial, image)
    derive_all(net.layers, net.pathway, trial)
    return done


@kernel
def rest(net):
    """Forget all activity."""
    forget(net.inputs)
    for number in range(len(net.layers)):
        forget(net.layers[number].spikes)
        net.layers[number].v_soma[:] = 0
    net.model.elapsed[:] = 0


@inlined
def forget(spikes):
    """Forget the spikes of a population."""
    spikes.first[:] = 0
    spikes.trace[:] = 0


@kernel
def settle(net):
    """Turn the spikes of the last trial into memory: `state` reads nothing else."""
    remember_all(net.model, net.inputs, net.layers)
