"""Looking at the event engine: potentials of watched neurons at the ends of slots, and spikes of watched layers."""

import numpy as np

from spikelearn.core.arrivals import OFF, place_of, time_of
from spikelearn.core.event_feedback import fed_spikes, n_fed_trains
from spikelearn.core.jit import kernel
from spikelearn.core.lanes import LANES
from spikelearn.core.layout import feeding_place
from spikelearn.core.probe import keep_spike


@kernel
def filter_echo(net, work, stretch, slot):
    """Bring what the apical dendrites receive, for those who watch, to the end of a slot."""
    echo = work.echo
    for k in range(echo.shape[0]):
        echo[k, 0] *= work.power[1, 0]
        echo[k, 1] *= work.power[1, 1]
    for kind in range(2):
        lag = net.synapse.memory if kind == OFF else 0.0
        for train in range(n_fed_trains(net, work)):
            time, neuron, n, first, column = fed_spikes(net, work, train)
            while work.n_echoed[kind, column] < n:
                spike = work.n_echoed[kind, column]
                arrives = place_of(stretch, time[spike] + lag)
                if arrives >= slot + 1:
                    break
                age, source = (slot + 1 - arrives) * stretch.slot, first + neuron[spike]
                echo[source, 0] += net.synapse.cut[kind, 0] * np.exp(-age / net.synapse.tau_decay)
                echo[source, 1] += net.synapse.cut[kind, 1] * np.exp(-age / net.synapse.tau_rise)
                work.n_echoed[kind, column] += 1


@kernel
def watch_slot(net, work, stretch, slot):
    """Sample the potentials of the watched neurons at the end of a slot."""
    probe, layout, scale = work.probe, net.layout, net.synapse.scale
    if probe.apical:
        filter_echo(net, work, stretch, slot)
    probe.n[3] += 1
    now, row = time_of(stretch, slot + 1.0), probe.n[2]
    if probe.n[3] % probe.every != 0 or not probe.start < now <= probe.stop or row == probe.time.shape[0]:
        return
    for k in range(work.received.shape[0] if probe.apical else 0):
        work.received[k] = received_now(net, work, k)
    probe.time[row] = now
    probe.n[2] += 1
    for layer in range(layout.sizes.shape[0]):
        for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
            for k in range(probe.first[block], probe.first[block + 1]):
                lane, apical = probe.lane[k], 0.0
                if probe.apical and layer < layout.feeding.shape[0]:
                    first, weight_row = feeding_place(layout, layer), layout.feedback_row[block]
                    for cell in range(layout.sizes[layout.feeding[layer]]):
                        apical += net.weights.feedback[weight_row + cell, lane] * work.received[first + cell]
                dendrite = scale * (work.decay[block, lane] - work.rise[block, lane])
                if net.coupled and layer < layout.feeding.shape[0]:
                    # Apical and basal spikes add to the same two exponentials.
                    dendrite -= net.somas.apical[layer] / net.somas.dendrite[layer] * apical
                probe.v_soma[row, k] = work.soma[block, lane] + work.v_inf[block, lane]
                probe.v_dendrite[row, k] = net.weights.bias[block, lane] + dendrite
                probe.v_apical[row, k] = apical


@kernel
def received_now(net, work, source):
    """Return what the apical dendrites receive from a neuron at the end of a slot: filtered spikes, or its rate."""
    if not net.pathway.rates:
        return net.synapse.scale * (work.echo[source, 0] - work.echo[source, 1])
    block, lane = net.layout.first_block[net.layout.first_feeding] + source // LANES, source % LANES
    return net.rate_max / (1.0 + np.exp(-np.float64(work.soma[block, lane] + work.v_inf[block, lane])))


@kernel
def watch_spikes(net, work):
    """Keep the spikes of a segment."""
    for queue in range(work.queues.n.shape[0]):
        for k in range(work.n_before[queue], work.queues.n[queue]):
            source = net.layout.first_source[queue] + work.queues.pre[queue, k]
            keep_spike(work.probe, queue, source, work.queues.time[queue, k])
