"""What apical dendrites receive in the clock engine, step by step: filtered spikes of the step before, or rates.

It is worked out where it reaches somata, or where it is recorded; otherwise averages are enough
(`spikelearn.core.steps`).
"""

from spikelearn.core.curves import value
from spikelearn.core.jit import inlined, kernel
from spikelearn.core.lanes import LANES, fma, load, pick, store
from spikelearn.core.probe import sample_row


@inlined
def begin_echo(model, layer):
    """Filter what the apical dendrites receive from the spikes before the trial."""
    work, fed, memory = layer.work, layer.fed, model.memory
    blocks = layer.bias.shape[0]
    ring = work.echo.shape[0] // blocks
    for cell in range(layer.n):
        work.echo_decay[cell // LANES, cell % LANES] = fed.trace[0, cell] if memory == 0 else 0.0
        work.echo_rise[cell // LANES, cell % LANES] = fed.trace[1, cell] if memory == 0 else 0.0
    work.echo[:] = 0
    for slot in range(memory):
        for k in range(fed.first[slot], fed.first[slot + 1]):
            cell = fed.neuron[k]
            work.echo[cell // LANES * ring + (slot & (ring - 1)), cell % LANES] += 1
        for block in range(blocks):
            new = load(work.echo, block * ring + (slot & (ring - 1)))
            store(work.echo_decay, block, model.decay * (load(work.echo_decay, block) + new))
            store(work.echo_rise, block, model.rise * (load(work.echo_rise, block) + new))
    for block in range(blocks):
        _set_received(model, layer, block)


@inlined
def _set_received(model, layer, block):
    """Set what apical dendrites receive now from a block that feeds back: filtered spikes, or rates."""
    work = layer.work
    if model.rates:
        store(work.received, block, model.rate_max * value(layer.curve, load(layer.v_soma, block)))
    else:
        store(work.received, block, model.scale * (load(work.echo_decay, block) - load(work.echo_rise, block)))


@kernel
def echo_layer(model, layer, step):
    """Filter what a layer that feeds back emits in a step: apical dendrites receive it in the next."""
    work, fed, slot = layer.work, layer.fed, step + model.memory
    blocks = layer.bias.shape[0]
    ring = work.echo.shape[0] // blocks
    now, forgotten = slot & (ring - 1), step & (ring - 1)
    for block in range(blocks):
        work.echo[block * ring + now] = 0
    for k in range(fed.first[slot], fed.first[slot + 1]):
        work.echo[fed.neuron[k] // LANES * ring + now, fed.neuron[k] % LANES] += 1
    for block in range(blocks):
        new, old = load(work.echo, block * ring + now), load(work.echo, block * ring + forgotten)
        store(work.echo_decay, block, model.decay * (load(work.echo_decay, block) + new - model.decay_cut * old))
        store(work.echo_rise, block, model.rise * (load(work.echo_rise, block) + new - model.rise_cut * old))
        _set_received(model, layer, block)


@inlined
def echo_step(model, layers, step):
    """Filter what all layers that feed back emit in a step."""
    for number in range(len(layers)):
        if layers[number].feeds:
            echo_layer(model, layers[number], step)


@inlined
def v_apical(layer, received, block):
    """Return the apical potentials of a block, ``V_apical = Y x received + c``."""
    potential = load(layer.apical_bias, block)
    for k in range(layer.n_feedback):
        weights = load(layer.feedback, block * layer.n_feedback + k)
        potential = fma(received[k // LANES, k % LANES], weights, potential)
    return potential


@kernel
def feed_back_to(layer, received):
    """Set the current ``dt * g_apical * V_apical`` into the somata of a hidden layer."""
    for block in range(layer.bias.shape[0]):
        store(layer.current, block, layer.work.apical * v_apical(layer, received, block))


@inlined
def feed_back(model, layers):
    """Let the apical dendrites of all hidden layers receive what is fed back now."""
    for number in range(len(layers) - 1):
        feed_back_to(layers[number], layers[layers[number].source].work.received)


@kernel
def watch_apical_of(model, layer, received, row):
    """Sample the apical potentials of the watched neurons of a layer."""
    probe = model.probe
    for block in range(layer.bias.shape[0]):
        potential = v_apical(layer, received, block)
        for k in range(probe.first[layer.number], probe.first[layer.number + 1]):
            lane = probe.cell[k] - block * LANES
            if 0 <= lane < LANES:
                probe.v_apical[row, k] = pick(potential, lane)


@inlined
def watch_apical(model, layers, step):
    """Sample the apical potentials that the somata see in a step of the trial."""
    row = sample_row(model.probe, step + 1)
    if row >= 0:
        for number in range(len(layers) - 1):
            watch_apical_of(model, layers[number], layers[layers[number].source].work.received, row)
