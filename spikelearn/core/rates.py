"""The rates engine: the same network without spikes and without time, at its steady state in each phase.

Every synapse receives the mean of its filtered spikes, which is the presynaptic rate times the kernel's area. So the
potential of a soma is the conductance-weighted mean of its dendrites, and the rate follows from it by the neuron's
curve. With ``g_apical > 0`` layers depend on each other in a circle; they are relaxed until nothing moves any more.
"""

from typing import NamedTuple

import numpy as np

from spikelearn.core.curves import value
from spikelearn.core.jit import inlined, kernel
from spikelearn.core.lanes import LANES, absolute, fma, load, pick, store
from spikelearn.core.layer import FORWARD, TARGET, phase_of, teach, window_there
from spikelearn.core.records import record

RELAXATION = 0.5  # of the way to where a potential would be, in a sweep over all layers
SWEEPS = 2000  # at most
SETTLED = 64.0  # units in the last place of the largest potential that may still move


@record
class Rates(NamedTuple):
    """Numbers of the rates engine."""

    area: float  # of the synaptic kernel
    rate_max: float  # spikes/ms
    teach: np.ndarray  # (2,) current into the outputs that are not, and that are, the label
    rates: bool  # do apical dendrites receive rates, not filtered spikes?
    coupled: bool  # does feedback reach the somata?
    elapsed: np.ndarray  # (2,) unused: no spikes are remembered
    keys: np.ndarray  # (1, 4) uint32, unused: nothing is drawn


@record
class RatesWork(NamedTuple):
    """Conductances, 1/ms, and scratch of a layer."""

    total: np.ndarray  # (2,) by phase
    dendrite: float
    apical: float
    v_soma: np.ndarray  # (blocks, LANES)
    psp: np.ndarray  # (n,) float64, spikes/ms


@kernel
def settle_layer(model, layer, psp, delivered, phase, share):
    """Move the potentials of a layer by a `share` of the way to their steady state; return the largest move."""
    work, moved = layer.work, 0.0
    for block in range(layer.bias.shape[0]):
        dendrite = load(layer.bias, block)
        for j in range(layer.n_pre):
            if psp[j] != 0:
                dendrite = fma(psp[j], load(layer.weights, block * layer.n_pre + j), dendrite)
        # V = (g_d V_dendrite + current + g_a V_apical) / g
        current = fma(work.dendrite, dendrite, load(layer.current, block))
        if model.coupled and not layer.is_output:
            current = fma(work.apical, v_apical(layer, delivered[phase], block), current)
        before = load(work.v_soma, block)
        move = share * (current / work.total[phase] - before)
        v_soma = before + move
        store(work.v_soma, block, v_soma)
        activity, move = value(layer.curve, v_soma), absolute(move) / (1.0 + absolute(v_soma))
        for lane in range(min(LANES, layer.n - block * LANES)):
            work.psp[block * LANES + lane] = model.area * model.rate_max * pick(activity, lane)
            moved = max(moved, np.float64(pick(move, lane)))
    return moved


@inlined
def v_apical(layer, received, block):
    """Return the apical potentials of a block, ``V_apical = Y x received + c``."""
    potential = load(layer.apical_bias, block)
    for k in range(layer.n_feedback):
        potential = fma(received[k], load(layer.feedback, block * layer.n_feedback + k), potential)
    return potential


@inlined
def deliver(model, layer, phase):
    """Set what apical dendrites receive of a layer: filtered spikes in the mean, or rates."""
    per_psp = 1.0 / model.area if model.rates else 1.0
    for k in range(layer.n):
        layer.fed.delivered[phase, k] = per_psp * layer.work.psp[k]


@inlined
def settle(model, inputs, layers, phase):
    """Bring all layers to the steady state of a phase; False if they do not get there."""
    # Without a loop each layer is done when those below it are.
    tolerance = SETTLED * np.finfo(layers[0].bias.dtype).eps
    for number in range(len(layers)):
        layers[number].fed.delivered[phase] = 0
    for _ in range(SWEEPS if model.coupled else 1):
        moved = 0.0
        for number in range(len(layers)):
            layer = layers[number]
            psp = inputs.psp if number == 0 else layers[number - 1].work.psp
            delivered = layer.received.delivered
            share = RELAXATION if model.coupled else 1.0
            moved = max(moved, settle_layer(model, layer, psp, delivered, phase, share))
        for number in range(len(layers)):
            if layers[number].feeds:
                deliver(model, layers[number], phase)
        if not model.coupled or moved < tolerance:
            return True
    return False


@inlined
def present(model, inputs, layers, trial, intensity):
    """Find the steady states of the phases; False if there is none."""
    n_layers = len(layers)
    for number in range(n_layers):
        layer = layers[number]
        layer.work.v_soma[:] = 0
        layer.work.psp[:] = 0
        layer.current[:] = 0
    for j in range(intensity.shape[0]):
        inputs.psp[j] = model.area * trial.rate * np.float64(intensity[j])
    for phase in range(2):
        if trial.lengths[phase] > 0:
            if phase == TARGET:
                teach(layers[n_layers - 1], model.teach, trial.target)
            if not settle(model, inputs, layers, phase):
                return False
            for window in range(2):
                if window_there(trial, window) and phase_of(trial, window) == phase:
                    keep(inputs, layers, phase, window)
    return True


@kernel
def keep(inputs, layers, phase, window):
    """Keep the steady state of a phase as the averages over a window."""
    if window == TARGET:
        for j in range(inputs.psp_target.shape[0]):  # of a rule that asks
            inputs.psp_target[j] = inputs.psp[j]
    for number in range(len(layers)):
        layer = layers[number]
        psp = layer.spikes.psp if window == FORWARD else layer.spikes.psp_target
        for cell in range(psp.shape[0]):
            psp[cell] = layer.work.psp[cell]
        for cell in range(layer.n if layer.feeds else 0):
            layer.fed.delivered[window, cell] = layer.fed.delivered[phase, cell]
        for block in range(layer.bias.shape[0]):
            if window == FORWARD:
                store(layer.v_forward, block, load(layer.work.v_soma, block))
            elif layer.is_output:
                store(layer.activity, block, value(layer.curve, load(layer.work.v_soma, block)))


@inlined
def remember_all(model, inputs, layers):
    """Nothing to do: there are no spikes."""


@inlined
def count_spikes(model, spikes, start, stop, counts, k, column):
    """Nothing to do: there are no spikes."""
