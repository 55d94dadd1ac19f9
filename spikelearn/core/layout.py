"""What the engines share: how neurons, sources and weights are laid out, and what a trial leaves behind.

Neurons live in *blocks* of 64 lanes; a layer is a range of blocks, the last padded with neurons that never spike. The
sources of spikes are numbered: inputs first (padded to whole blocks), then the neurons in block order. Arrays that
hold lanes are (rows, 64); how rows are counted stands beside each.
"""

from typing import NamedTuple

import numpy as np

from spikelearn.core.jit import kernel
from spikelearn.core.lanes import LANES

FORWARD, TARGET = 0, 1
SEGMENT = 128  # steps of a clock at a time; a tile of drive is (memory + 128) x 64 floats
FORGOTTEN = 1e-20  # traces below this, in spikes, are zero: no float sees them, and denormal numbers are slow


class Layout(NamedTuple):
    """Which blocks and sources belong to which layer (layer 0 is the first with weights)."""

    n_inputs: int
    sizes: np.ndarray  # (layers,) neurons
    first_block: np.ndarray  # (layers + 1,)
    lanes: np.ndarray  # (blocks,) neurons in the block
    first_source: np.ndarray  # (layers + 1,) first source of the layer's *presynaptic* layer; last: of the output
    weight_row: np.ndarray  # (blocks,) row of `forward` that belongs to the first presynaptic source
    feeding: np.ndarray  # (hidden layers,) the layer that feeds back to the apical dendrites of each
    first_feeding: int  # the lowest of them; without hidden layers the output, which then feeds nobody
    feedback_row: np.ndarray  # (hidden blocks + 1,) row of `feedback` that belongs to the first neuron that feeds back


class Weights(NamedTuple):
    """Weights in the core's order: presynaptic rows of 64 postsynaptic lanes."""

    forward: np.ndarray  # (rows, 64); block b reads weight_row[b] + presynaptic index
    bias: np.ndarray  # (blocks, 64)
    feedback: np.ndarray  # (rows, 64); hidden block b reads feedback_row[b] + neuron of the layer that feeds back


class Somas(NamedTuple):
    """Conductances, 1/ms, by layer."""

    total: np.ndarray  # (2, layers) by phase
    dendrite: np.ndarray  # (layers,)
    apical: np.ndarray  # (layers,)
    teach: np.ndarray  # (2,) current into the outputs that are not, and that are, the label


class Averages(NamedTuple):
    """Means over the windows of the phases; what has two rows for a block has the forward phase first."""

    v_soma: np.ndarray  # (blocks, 64) forward phase
    activity: np.ndarray  # (blocks, 64) mean rate / rate_max of the outputs, target phase
    psp: np.ndarray  # (sources,) float64, spikes/ms, forward phase: what the layers above receive; outputs: 0
    echo: np.ndarray  # (2 * shifts, neurons that feed back) float64, spikes/ms: what apical dendrites receive;
    # row ``phase * shifts + k``: over a window that ends `k` steps of the plateaus' timing before the phase does
    early: np.ndarray  # (2, hidden cells) int64, that `k` of each neuron
    apical: np.ndarray  # (2 * hidden blocks, 64)
    plateau: np.ndarray  # (2 * hidden blocks, 64) sigmoid of the above
    predicted: np.ndarray  # (blocks, 64) sigmoid of the mean forward potential
    slope: np.ndarray  # (blocks, 64) derivative of the sigmoid there


@kernel
def n_feeding(layout):
    """Return the number of neurons that feed back, padded: those of the lowest layer that does, and all above."""
    return (layout.first_block[-1] - layout.first_block[layout.first_feeding]) * LANES


@kernel
def feeding_place(layout, layer):
    """Return the place, among all neurons that feed back, of the first one that a hidden layer hears."""
    return (layout.first_block[layout.feeding[layer]] - layout.first_block[layout.first_feeding]) * LANES


@kernel
def teach(net, work, label):
    """Switch the teaching currents on: towards firing for the label, towards silence for the others."""
    output = net.layout.sizes.shape[0] - 1
    first = net.layout.first_block[output]
    for cell in range(net.layout.sizes[output]):
        work.current[first + cell // LANES, cell % LANES] = net.somas.teach[1 if cell == label else 0]
