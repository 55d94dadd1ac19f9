"""The rates engine: the same network without spikes and without time, at its steady state in each phase.

Every synapse receives the mean of its filtered spikes, which is the presynaptic rate times the kernel's area. So the
potential of a soma is the conductance-weighted mean of its dendrites, and the rate its sigmoid. With ``g_apical > 0``
layers depend on each other in a circle; they are relaxed until nothing moves any more.
"""

from typing import NamedTuple

import numpy as np

from spikelearn.core.dynamics import sigmoid
from spikelearn.core.feedback import Pathway
from spikelearn.core.jit import kernel
from spikelearn.core.lanes import LANES, absolute, fma, full, load, pick, store
from spikelearn.core.layout import FORWARD, TARGET, Layout, Somas, Weights, feeding_place, teach

RELAXATION = 0.5  # of the way to where a potential would be, in a sweep over all layers
SWEEPS = 2000  # at most
SETTLED = 64.0  # units in the last place of the largest potential that may still move


class State(NamedTuple):
    """What other engines carry from example to example; here nothing of it matters."""

    v_soma: np.ndarray  # (blocks, 64)
    trace: np.ndarray  # (0, 2)
    recent_source: np.ndarray  # (0,) int32
    n_recent: np.ndarray  # (1,) int64


class Work(NamedTuple):
    """Scratch of a trial."""

    v_soma: np.ndarray  # (blocks, 64)
    psp: np.ndarray  # (sources,) float64, spikes/ms
    current: np.ndarray  # (blocks, 64) teaching current


class Network(NamedTuple):
    """Everything that the kernels need and do not change, and the weights."""

    layout: Layout
    weights: Weights
    somas: Somas
    area: float  # of the synaptic kernel
    rate_max: float  # spikes/ms
    keys: np.ndarray  # (1, 4) uint32, unused: nothing is drawn
    coupled: bool  # does feedback reach the somata?
    pathway: Pathway


@kernel
def settle_layer(net, work, averages, phase, layer, share):
    """Move the potentials of a layer by a `share` of the way to their steady state; return the largest move."""
    layout, forward, psp, somas = net.layout, net.weights.forward, work.psp, net.somas
    low, high, moved = layout.first_source[layer], layout.first_source[layer + 1], 0.0
    for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
        shift, dendrite = layout.weight_row[block] - low, load(net.weights.bias, block)
        for source in range(low, high):
            if psp[source] != 0:
                dendrite = fma(psp[source], load(forward, shift + source), dendrite)
        current = fma(somas.dendrite[layer], dendrite, load(work.current, block))
        if net.coupled and layer < layout.feeding.shape[0]:
            current = fma(somas.apical[layer], v_apical(net, averages, phase, layer, block), current)
        before = load(work.v_soma, block)
        move = share * (current / somas.total[phase, layer] - before)
        v_soma = before + move
        store(work.v_soma, block, v_soma)
        activity, move = sigmoid(v_soma), absolute(move) / (1.0 + absolute(v_soma))
        for lane in range(layout.lanes[block]):
            source = layout.first_source[layer + 1] + (block - layout.first_block[layer]) * LANES + lane
            psp[source] = net.area * net.rate_max * pick(activity, lane)
            moved = max(moved, np.float64(pick(move, lane)))
    return moved


@kernel
def v_apical(net, averages, phase, layer, block):
    """Return the apical potentials of a block: feedback weights times what is received."""
    layout, potential = net.layout, full(net.weights.feedback, 0.0)
    feeding, first = layout.feeding[layer], feeding_place(layout, layer)
    for k in range(layout.sizes[feeding]):
        received = averages.echo[phase, first + k]
        potential = fma(received, load(net.weights.feedback, layout.feedback_row[block] + k), potential)
    return potential


@kernel
def set_echo(net, work, averages, phase):
    """Set what apical dendrites receive: filtered spikes in the mean, or rates."""
    first = net.layout.first_source[net.layout.first_feeding + 1]
    per_psp = 1.0 / net.area if net.pathway.rates else 1.0
    for k in range(averages.echo.shape[1]):
        averages.echo[phase, k] = per_psp * work.psp[first + k]


@kernel
def settle(net, work, averages, phase):
    """Bring all layers to the steady state of a phase; False if they do not get there."""
    n_layers = net.layout.sizes.shape[0]
    # Without a loop each layer is done when those below it are.
    tolerance = SETTLED * np.finfo(work.v_soma.dtype).eps
    for _ in range(SWEEPS if net.coupled else 1):
        moved = 0.0
        for layer in range(n_layers):
            moved = max(moved, settle_layer(net, work, averages, phase, layer, RELAXATION if net.coupled else 1.0))
        set_echo(net, work, averages, phase)
        if not net.coupled or moved < tolerance:
            return True
    return False


@kernel
def present(net, state, work, averages, intensity, label, example, lengths, windows, rate):
    """Find the steady states of both phases; parameters as `spikelearn.core.clock.present`."""
    work.v_soma[:] = 0
    work.current[:] = 0
    work.psp[:] = 0
    averages.echo[:] = 0
    for j in range(intensity.shape[0]):
        work.psp[j] = net.area * rate * np.float64(intensity[j])
    if not settle(net, work, averages, FORWARD):
        return False
    for source in range(averages.psp.shape[0]):
        averages.psp[source] = work.psp[source]
    for block in range(averages.v_soma.shape[0]):
        store(averages.v_soma, block, load(work.v_soma, block))
    if lengths[TARGET] == 0:
        return True
    teach(net, work, label)
    if not settle(net, work, averages, TARGET):
        return False
    n_layers = net.layout.sizes.shape[0]
    for block in range(net.layout.first_block[n_layers - 1], net.layout.first_block[n_layers]):
        store(averages.activity, block, sigmoid(load(work.v_soma, block)))
    return True
