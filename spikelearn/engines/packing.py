"""From a description's sizes to the core's layout, and from weights as users see them to its blocked order and back."""

from typing import Any

import numpy as np

from spikelearn.core.lanes import LANES
from spikelearn.core.layout import Layout, Somas, n_feeding
from spikelearn.core.layout import Weights as CoreWeights
from spikelearn.errors import InputError
from spikelearn.network import Network
from spikelearn.weights import Weights


def lanes_array(rows: int, real: type) -> np.ndarray:
    """Return a zero (rows, 64) array that starts on a cache line, so that no load or store of lanes straddles two."""
    line = 64
    size = rows * LANES * np.dtype(real).itemsize
    raw = np.zeros(size + line, np.uint8)
    start = -raw.ctypes.data % line
    return raw[start : start + size].view(real).reshape(rows, LANES)


def make_somas(network: Network) -> Somas:
    """Conductances of all layers in both phases."""
    hidden, output, n = network.hidden, network.output, network.n_hidden
    return Somas(
        total=np.array([[hidden.g_total] * n + [output.g_total + teach] for teach in (0.0, output.g_teach)]),
        dendrite=np.array([hidden.g_basal] * n + [output.g_dendrite]),
        apical=np.array([hidden.g_apical] * n + [0.0]),
        teach=np.array([output.g_teach * output.e_inhibit, output.g_teach * output.e_excite]),
    )


def make_layout(sizes: tuple[int, ...], feeding: tuple[int, ...]) -> Layout:
    """Lay a network out in blocks: which neurons, sources and weights are where, and which layers feed back."""
    post = np.array(sizes[1:], np.int64)
    blocks = -(-post // LANES)
    first_block = np.concatenate([[0], np.cumsum(blocks)])
    padded = -(-np.array(sizes, np.int64) // LANES) * LANES
    lanes, rows = [], [0]
    for n_pre, n_post in zip(padded[:-1], post, strict=True):
        for block in range(-(-n_post // LANES)):
            lanes.append(min(LANES, n_post - block * LANES))
            rows.append(rows[-1] + n_pre)
    return Layout(
        n_inputs=int(sizes[0]),
        sizes=post,
        first_block=first_block,
        lanes=np.array(lanes, np.int64),
        first_source=np.concatenate([[0], np.cumsum(padded[:-1])]),
        weight_row=np.array(rows[:-1], np.int64),
        feeding=np.array(feeding, np.int64),
        first_feeding=min(feeding, default=len(post) - 1),
        feedback_row=np.cumsum([0, *(post[fed] for n, fed in zip(blocks, feeding, strict=False) for _ in range(n))]),
    )


def n_sources(layout: Layout) -> int:
    """Return the number of sources, padded: inputs and all neurons."""
    return int(layout.first_source[-1]) + LANES * output_blocks(layout)


def _weight_rows(layout: Layout) -> int:
    last = len(layout.sizes) - 1
    return int(layout.weight_row[-1] + layout.first_source[last + 1] - layout.first_source[last])


def feeding_blocks(layout: Layout) -> int:
    """Return the number of blocks of the layers that feed back."""
    return n_feeding(layout) // LANES


def output_blocks(layout: Layout) -> int:
    """Return the number of blocks of the output layer."""
    return int(layout.first_block[-1] - layout.first_block[-2])


def pack(layout: Layout, weights: Weights, real: Any) -> CoreWeights:
    """Return a copy of the weights in the core's order."""
    packed = CoreWeights(
        forward=lanes_array(_weight_rows(layout), real),
        bias=lanes_array(len(layout.lanes), real),
        feedback=lanes_array(int(layout.feedback_row[-1]), real),
    )
    for layer, n in enumerate(layout.sizes):
        n_pre = weights.W[layer].shape[1]
        for place, block in enumerate(range(layout.first_block[layer], layout.first_block[layer + 1])):
            cells = slice(place * LANES, min((place + 1) * LANES, n))
            lanes = slice(0, cells.stop - cells.start)
            row = layout.weight_row[block]
            packed.forward[row : row + n_pre, lanes] = weights.W[layer][cells].T
            packed.bias[block, lanes] = weights.b[layer][cells]
            if layer < len(layout.feeding):
                row = layout.feedback_row[block]
                packed.feedback[row : row + weights.Y[layer].shape[1], lanes] = weights.Y[layer][cells].T
    return packed


def unpack(layout: Layout, packed: CoreWeights) -> Weights:
    """Return a copy of the weights in the user's order."""
    forward, biases, feedback = [], [], []
    for layer, n in enumerate(layout.sizes):
        blocks = range(layout.first_block[layer], layout.first_block[layer + 1])
        n_pre = layout.sizes[layer - 1] if layer > 0 else layout.n_inputs
        rows = [packed.forward[layout.weight_row[b] : layout.weight_row[b] + n_pre].T for b in blocks]
        forward.append(np.concatenate(rows)[:n].copy())
        biases.append(packed.bias[blocks.start : blocks.stop].ravel()[:n].copy())
        if layer < len(layout.feeding):
            first, n_fed = layout.feedback_row, layout.sizes[layout.feeding[layer]]
            rows = [packed.feedback[first[b] : first[b] + n_fed].T for b in blocks]
            feedback.append(np.concatenate(rows)[:n].copy())
    return Weights(tuple(forward), tuple(biases), tuple(feedback))


def check_weights(network: Network, weights: Weights) -> None:
    """Raise `InputError` unless every array of the weights has the shape that the network needs."""
    sizes = network.sizes
    if weights.W and weights.sizes != sizes:
        raise InputError(f"weights of sizes {weights.sizes} do not fit a network of sizes {sizes}")
    wanted = {
        "W": list(zip(sizes[1:], sizes[:-1], strict=True)),
        "b": [(n,) for n in sizes[1:]],
        "Y": [(n, sizes[feeding + 1]) for n, feeding in zip(sizes[1:-1], network.feeding, strict=True)],
    }
    for name, shapes in wanted.items():
        given = [np.shape(array) for array in getattr(weights, name)]
        if given != shapes:
            raise InputError(
                f"Weights.{name} of shapes {given} do not fit a network of sizes {sizes}: it needs {shapes}"
            )
