"""What the engines share: a layer is a record, a network a tuple of layers.

Arrays that hold one number for each neuron of a layer come as rows of lanes: neuron `i` is lane ``i % LANES`` of row,
or *block*, ``i // LANES``; the last block is padded with neurons that never spike. Weights have one such row for each
presynaptic neuron: those of block `b` from neuron `j` are row ``b * n_pre + j``. There is no other index.

Time goes in *slots*: a step of the clock, or a fraction of a millisecond of the event engine. Slot 0 is as many slots
before the trial as a spike is remembered for.
"""

from typing import Any, NamedTuple

import numpy as np

from spikelearn.core.jit import inlined
from spikelearn.core.lanes import LANES
from spikelearn.core.records import record

FORWARD, TARGET = 0, 1
MISMATCH, CORRECT = 0, 1  # largest |target - prediction| of an output, in rate_max; 1 if the prediction was right
GROUP = 64  # neurons that share their draws, whatever the lanes of a machine: the same spikes everywhere
PARTS = GROUP // LANES  # blocks of a group
FORGOTTEN = 1e-20  # traces below this, in spikes, are zero: no float sees them, and denormal numbers are slow


@record
class Spikes(NamedTuple):
    """Spikes of one population, the inputs or a layer, and what is made of them.

    Slot `j` holds spikes ``first[j]`` to ``first[j + 1]``; those before the trial are remembered from the last. Arrays
    without a shape have that of the one above.
    """

    neuron: np.ndarray  # (capacity,) int32
    time: np.ndarray  # (capacity,) float64, ms from the start of the trial; the clock's are all at its steps: empty
    first: np.ndarray  # (slots + 1,) int64
    left: np.ndarray  # (capacity,) ms from a spike to the end of its slot; empty like `time`
    decay: np.ndarray  # (capacity,) exp(-left / tau_decay)
    rise: np.ndarray  # (capacity,)
    new_neuron: np.ndarray  # (capacity,) int32, spikes as they are found; `sort_spikes` takes them up
    new_time: np.ndarray  # (capacity,) float64
    new_left: np.ndarray  # (capacity,)
    new_slot: np.ndarray  # (capacity,) int32
    trace: np.ndarray  # (2, n) float64, exponentials of each neuron at the start of the trial; only without cut-off
    psp: np.ndarray  # (n,) float64, spikes/ms, mean filtered spikes in the window of the forward phase
    psp_target: np.ndarray  # the same of the target phase; empty unless the rule reads it
    delivered: np.ndarray  # (2 * shifts, n) float64, spikes/ms: what apical dendrites receive in the mean; row
    # ``phase * shifts + k``: over a window that ends `k` grains of the plateaus' timing before the phase does


@record
class Own(NamedTuple):
    """What a neuron of a layer may know, for learning rules; arrays are (n,) without padding."""

    n: int
    is_output: bool
    likelihood: bool  # do outputs learn without the slope of their curve?
    n_pre: int
    v_forward: np.ndarray  # mean somatic potential, forward phase
    predicted: np.ndarray  # rate / rate_max at v_forward
    slope: np.ndarray  # of the neurons' curve at v_forward
    activity_target: np.ndarray  # mean rate / rate_max of outputs, target phase; 0 for others
    plateau_forward: np.ndarray  # plateau potentials, in (0, 1); of outputs without meaning
    plateau_target: np.ndarray
    error: np.ndarray  # what the rule writes
    dendrite_gain: float  # steady-state somatic over dendritic potential
    rate_max: float  # spikes/ms
    area: float  # of the synaptic kernel: a rate is worth so much filtered
    weights: np.ndarray  # (blocks * n_pre, LANES)
    feedback: np.ndarray  # (blocks * neurons that feed back, LANES)
    n_feedback: int
    psp: np.ndarray  # (n_pre,) float64, spikes/ms, mean filtered presynaptic spikes, forward phase
    signal: np.ndarray  # (2,) float64, what all neurons are told of the outputs: MISMATCH, CORRECT
    # What a rule gets that asks for it; 0 for others, so that compiling tells who forgot to.
    psp_target: Any  # as psp, target phase
    memory: Any  # (numbers, n) the rule's own of each neuron
    traces: Any  # (numbers * blocks * n_pre, LANES) and of each synapse
    draws: Any  # (numbers, n) float64, uniform in (0, 1), new in every example


@record
class Layer(NamedTuple):
    """One layer of neurons. Arrays of lanes are (blocks, LANES); with two phases the forward one comes first."""

    number: int  # 0 is the first with weights
    first_group: int  # groups of the layers below: numbers of groups are streams of draws
    n: int
    n_pre: int
    is_output: bool
    population: int  # neurons for each class, if this is the output
    source: int  # the layer that feeds back to this one
    n_feedback: int  # its neurons
    feeds: bool  # does this layer feed back to another?
    weights: np.ndarray  # (blocks * n_pre, LANES)
    bias: np.ndarray
    apical_bias: np.ndarray
    feedback: np.ndarray  # (blocks * n_feedback, LANES)
    curve: Any  # of a soma: from its potential to its rate / rate_max
    plateau_curve: Any  # of an apical dendrite: from its mean potential to the plateau potential
    reach: np.ndarray  # at least the largest of a neuron's weights, in absolute value
    v_soma: np.ndarray  # carried from trial to trial
    v_forward: np.ndarray  # means over the windows of the phases
    activity: np.ndarray
    predicted: np.ndarray
    slope: np.ndarray
    apical: np.ndarray  # (2 * blocks, LANES) mean apical potential
    plateau: np.ndarray  # (2 * blocks, LANES)
    early: np.ndarray  # (2, blocks * LANES) int64, grains by which a neuron's plateau comes before the phase's end
    error: np.ndarray
    current: np.ndarray  # teaching current, or that of the apical dendrite
    own: Own
    other: Own  # the same, with the errors of a rule that is only compared
    spikes: Spikes
    fed: Spikes  # what apical dendrites receive of this layer: its spikes, or given ones
    below: Spikes  # those of the inputs or the layer below
    received: Spikes  # what its own apical dendrites receive: `fed` of the layer that feeds back to it
    scratch: np.ndarray  # (n,) float64, for the plan of feedback weights
    work: Any  # scratch of the engine


@record
class Pathway(NamedTuple):
    """When plateaus come, and scratch for draws."""

    early: np.ndarray  # (shifts,) float64, chance that a plateau comes at most so many grains early; ends with 1
    keys: np.ndarray  # (3, 4) uint32: plateaus, feedback weights, the rule
    words: np.ndarray  # (1, 64) uint32
    normals: np.ndarray  # (64,) float64


@record
class Network(NamedTuple):
    """A network for an engine."""

    present: int  # address of the compiled engine, `spikelearn.core.apart`
    model: Any  # the engine's numbers
    inputs: Spikes
    layers: Any  # Records of Layer
    pathway: Pathway


class Trial(NamedTuple):
    """One showing of an example, in the engine's unit of time: steps, or ms."""

    example: int  # number of the showing; with the keys, it fixes every draw
    row: int  # its number in the chunk
    target: np.ndarray  # (classes,) float64, the share of each that is taught
    lengths: np.ndarray  # (2,) forward and target phase, 0 if there is none
    windows: np.ndarray  # (2, 2) where the averages of each phase begin and end; 0 and 0: those before stay
    rate: float  # expected spikes of an input of intensity 1 in the unit
    averaged: bool  # are filtered spikes averaged?


@inlined
def window_there(trial, phase):
    """Tell whether something is averaged over a window of a phase."""
    return trial.windows[phase, 1] > 0


@inlined
def phase_of(trial, window):
    """Return the phase in which a window lies: that of its name, or the only one."""
    if trial.lengths[FORWARD] == 0:
        return TARGET
    return window if trial.lengths[TARGET] > 0 else FORWARD


@inlined
def teach(layer, currents, target):
    """Switch the teaching currents of the outputs on: towards firing by the share of their class, else silence."""
    for cell in range(layer.n):
        share = target[cell // layer.population]
        layer.current[cell // LANES, cell % LANES] = share * currents[1] + (1.0 - share) * currents[0]


@inlined
def group_blocks(layer, group):
    """Return the first block of a group of neurons, and one past its last."""
    return group * PARTS, min((group + 1) * PARTS, layer.bias.shape[0])


@inlined
def group_size(layer, group):
    """Return the number of neurons in a group."""
    return min(GROUP, layer.n - group * GROUP)


@inlined
def n_groups(layer):
    """Return the number of groups of a layer."""
    return (layer.n + GROUP - 1) // GROUP
