"""What the apical dendrites receive in the clock engine, step by step: filtered spikes of the step before, or rates.

Worked out where it reaches the somata, or somebody watches; otherwise averages are enough (`core.clock_averages`).
"""

from spikelearn.core.dynamics import sigmoid
from spikelearn.core.jit import kernel
from spikelearn.core.lanes import LANES, fma, full, load, store
from spikelearn.core.layout import SEGMENT
from spikelearn.core.probe import first_at


@kernel
def filter_history(drive, rises, decays, block, memory, filters):
    """Bring the filters to the start of the trial; nothing is old enough to be forgotten before it."""
    rise, decay = load(rises, block), load(decays, block)
    for row in range(memory):
        drive_now = load(drive, block * (memory + SEGMENT) + row)
        decay = filters.decay * (decay + drive_now)
        rise = filters.rise * (rise + drive_now)
    store(rises, block, rise)
    store(decays, block, decay)


@kernel
def begin_echo(net, state, work):
    """Rebuild what the apical dendrites receive from the last trial's spikes."""
    layout, rows, decays, rises = net.layout, net.memory + SEGMENT, work.echo_decay, work.echo_rise
    first = layout.first_source[layout.first_feeding + 1]
    for block in range(rises.shape[0]):
        work.echo[block * rows : block * rows + net.memory] = 0
        for lane in range(LANES):
            decays[block, lane] = state.trace[0, first + block * LANES + lane]
            rises[block, lane] = state.trace[1, first + block * LANES + lane]
    for k in range(state.n_recent[0]):
        cell = state.recent_source[k] - first
        if cell >= 0:
            work.echo[cell // LANES * rows + state.recent_row[k], cell % LANES] += 1
    for block in range(rises.shape[0]):
        filter_history(work.echo, rises, decays, block, net.memory, net.filters)
        _set_echo(net, state, work, block)


@kernel
def _set_echo(net, state, work, block):
    """Set what apical dendrites receive now from a block that feeds back: filtered spikes, or rates."""
    if net.pathway.rates:
        first_block = net.layout.first_block[net.layout.first_feeding]
        store(work.echo_now, block, net.rate_max * sigmoid(load(state.v_soma, first_block + block)))
    else:
        store(work.echo_now, block, net.filters.scale * (load(work.echo_decay, block) - load(work.echo_rise, block)))


@kernel
def filter_echo(net, state, work, begin, step):
    """Filter what the layers that feed back emit in `step` of a segment: apical dendrites receive it in the next."""
    layout, memory, filters = net.layout, net.memory, net.filters
    first_block = layout.first_block[layout.first_feeding]
    first_source = layout.first_source[layout.first_feeding + 1]
    for block in range(work.echo_rise.shape[0]):
        row = block * (memory + SEGMENT) + step
        work.echo[row + memory] = 0
        if not work.given.apical:
            for k in range(work.first[first_block + block, step], work.first[first_block + block, step + 1]):
                work.echo[row + memory, work.spikes[first_block + block, k] - first_source - block * LANES] += 1
        else:
            given = work.given
            for k in range(first_at(given.apical_when, begin + step), first_at(given.apical_when, begin + step + 1)):
                if given.apical_source[k] // LANES == block:
                    work.echo[row + memory, given.apical_source[k] % LANES] += 1
        new, old = load(work.echo, row + memory), load(work.echo, row)
        decay = filters.decay * (load(work.echo_decay, block) + new - filters.decay_cut * old)
        rise = filters.rise * (load(work.echo_rise, block) + new - filters.rise_cut * old)
        store(work.echo_decay, block, decay)
        store(work.echo_rise, block, rise)
        _set_echo(net, state, work, block)


@kernel
def feed_back(net, work):
    """Set the current ``dt * g_apical * V_apical`` into hidden somata from what apical dendrites receive."""
    layout = net.layout
    for layer in range(layout.feeding.shape[0]):
        for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
            store(work.current, block, net.somas.apical[layer] * v_apical(net, work, layer, block))


@kernel
def v_apical(net, work, layer, block):
    """Return the apical potentials of a block: feedback weights times what is received."""
    layout = net.layout
    feeding, potential = layout.feeding[layer], full(work.current, 0.0)
    home = layout.first_block[feeding] - layout.first_block[layout.first_feeding]
    for cell in range(layout.sizes[feeding]):
        received = work.echo_now[home + cell // LANES, cell % LANES]
        potential = fma(received, load(net.weights.feedback, layout.feedback_row[block] + cell), potential)
    return potential
