"""Looking at the clock engine: potentials of watched neurons and spikes of watched layers."""

import numpy as np

from spikelearn.core.clock_echo import v_apical
from spikelearn.core.jit import kernel
from spikelearn.core.lanes import pick
from spikelearn.core.layout import SEGMENT
from spikelearn.core.probe import keep_spike


@kernel
def sample_row(probe, step):
    """Return the row of the probe for the end of a step of the trial, -1 for none."""
    if not probe.start <= step < probe.stop or (step + 1) % probe.every != 0:
        return -1
    return (step + 1) // probe.every - np.int64(probe.start) // probe.every - 1


@kernel
def watch(net, work, block, onset, start, stop):
    """Sample the potentials of the watched neurons of a block, whose filters are still those before the steps."""
    probe, filters, drive, first_row = work.probe, net.filters, work.drive, block * (net.memory + SEGMENT)
    for k in range(probe.first[block], probe.first[block + 1]):
        lane = probe.lane[k]
        decay, rise = work.decay[block, lane], work.rise[block, lane]
        for step in range(start, stop):
            new, old = drive[first_row + step + net.memory, lane], drive[first_row + step, lane]
            decay = filters.decay * (decay + new - filters.decay_cut * old)
            rise = filters.rise * (rise + new - filters.rise_cut * old)
            row = sample_row(probe, onset + step)
            if row >= 0:
                probe.time[row] = onset + step + 1
                probe.v_soma[row, k] = work.potential[step, lane]
                probe.v_dendrite[row, k] = net.weights.bias[block, lane] + filters.scale * (decay - rise)


@kernel
def watch_apical(net, work, step):
    """Sample the apical potentials of the watched neurons in a step of the trial."""
    layout, probe, row = net.layout, work.probe, sample_row(work.probe, step)
    if row < 0:
        return
    for layer in range(layout.feeding.shape[0]):
        for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
            if probe.first[block] < probe.first[block + 1]:
                potential = v_apical(net, work, layer, block)
                for k in range(probe.first[block], probe.first[block + 1]):
                    probe.v_apical[row, k] = pick(potential, probe.lane[k])


@kernel
def watch_spikes(net, work, n_spikes, begin, length):
    """Keep the spikes of a segment."""
    probe, layout = work.probe, net.layout
    if probe.layers[0]:
        for step in range(length):
            stop = work.first_input[step + 1] if step + 1 < length else n_spikes
            for k in range(work.first_input[step], stop):
                keep_spike(probe, 0, work.sorted_source[k], float(begin + step))
    for layer in range(layout.sizes.shape[0]):
        if probe.layers[layer + 1]:
            for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
                for step in range(length):
                    for k in range(work.first[block, step], work.first[block, step + 1]):
                        keep_spike(probe, layer + 1, work.spikes[block, k], float(begin + step))
