"""From a description and weights to the core's records, and from its blocks back to weights as users see them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from spikelearn.core.curves import choices
from spikelearn.core.lanes import LANES
from spikelearn.core.layer import FORWARD, GROUP, TARGET, Layer, Own, Spikes
from spikelearn.core.poisson import CountTable, count_table
from spikelearn.core.records import Records
from spikelearn.core.rules import Asks
from spikelearn.errors import InputError, check_kind
from spikelearn.network import Network
from spikelearn.weights import Weights

SPIKES = ("neuron", "time", "first", "left", "decay", "rise")  # what is known of a population's last spikes


class Room(NamedTuple):
    """Sizes of the buffers of a population's spikes."""

    capacity: int  # spikes
    slots: int
    timed: bool  # have spikes times within their slots?


def lanes_array(rows: int, real: Any) -> np.ndarray:
    """Return a zero (rows, LANES) array that starts on a cache line, so that no row of lanes straddles one more."""
    line = 64
    size = rows * LANES * np.dtype(real).itemsize
    raw = np.zeros(size + line, np.uint8)
    start = -raw.ctypes.data % line
    return raw[start : start + size].view(real).reshape(rows, LANES)


def power_of_two(n: int) -> int:
    """Return the smallest power of two that is at least `n`."""
    return 1 << (n - 1).bit_length()


def n_blocks(n: int) -> int:
    """Return the number of blocks of a layer of `n` neurons."""
    return -(-n // LANES)


def n_groups(n: int) -> int:
    """Return the number of groups of a layer of `n` neurons."""
    return -(-n // GROUP)


def group_counts(network: Network, rate: float) -> CountTable:
    """Tabulate numbers of candidates of all groups, given the highest rate of a neuron."""
    return count_table([rate * min(GROUP, n - k) for n in network.sizes[1:] for k in range(0, n, GROUP)])


def make_spikes(n: int, shifts: int, room: Room, traced: bool, real: Any) -> Spikes:
    """Return a population of `n` neurons or inputs without spikes."""
    timed = room.capacity if room.timed else 0
    return Spikes(
        neuron=np.zeros(room.capacity, np.int32),
        time=np.zeros(timed),
        first=np.zeros(room.slots + 2, np.int64),
        left=lanes_array(n_blocks(timed), real),
        decay=lanes_array(n_blocks(timed), real),
        rise=lanes_array(n_blocks(timed), real),
        new_neuron=np.zeros(room.capacity, np.int32),
        new_time=np.zeros(timed),
        new_left=np.zeros(timed, real),
        new_slot=np.zeros(room.capacity, np.int32),
        trace=np.zeros((2, n if traced else 0)),
        psp=np.zeros(n),
        psp_target=np.zeros(0),
        delivered=np.zeros((2 * shifts, n)),
    )


def grown(spikes: Spikes, room: Room, real: Any) -> Spikes:
    """Return spikes in buffers of at least this room: the same ones if they are large enough."""
    if len(spikes.neuron) >= room.capacity and len(spikes.first) >= room.slots + 2:
        return spikes
    room = room._replace(
        capacity=max(room.capacity, len(spikes.neuron)), slots=max(room.slots, len(spikes.first) - 2)
    )  # fmt: skip
    larger = make_spikes(0, 0, room, False, real)
    for name in SPIKES:
        old = getattr(spikes, name)
        getattr(larger, name)[: len(old)] = old
    return larger._replace(trace=spikes.trace, psp=spikes.psp, psp_target=spikes.psp_target, delivered=spikes.delivered)


def make_layer(network: Network, number: int, spikes: Spikes, work: Any, area: float, real: Any) -> Layer:
    """Return the record of a layer without weights; `area` is that of the synaptic kernel."""
    n_pre, n = network.sizes[number : number + 2]
    is_output = number == network.n_layers - 1
    source = number if is_output else network.feeding[number]
    n_feedback, blocks = 0 if is_output else network.sizes[source + 1], n_blocks(n)
    arrays = {
        name: lanes_array(blocks, real)
        for name in (
            "bias", "apical_bias", "reach", "v_soma", "v_forward", "activity", "predicted", "slope", "error", "current"
        )
    }  # fmt: skip
    plateau = lanes_array(2 * blocks, real)
    weights, feedback = lanes_array(blocks * n_pre, real), lanes_array(blocks * n_feedback, real)
    flat = {name: array.reshape(-1)[:n] for name, array in arrays.items()}
    own = Own(
        n=n,
        is_output=is_output,
        likelihood=is_output and network.output.loss == "likelihood",
        n_pre=n_pre,
        v_forward=flat["v_forward"],
        predicted=flat["predicted"],
        slope=flat["slope"],
        activity_target=flat["activity"],
        plateau_forward=plateau.reshape(2, -1)[FORWARD, :n],
        plateau_target=plateau.reshape(2, -1)[TARGET, :n],
        error=flat["error"],
        dendrite_gain=float(network.dendrite_gains[number]),
        rate_max=real(network.rate_max),
        area=area,
        weights=weights,
        feedback=feedback,
        n_feedback=n_feedback,
        psp=np.zeros(n_pre),
        signal=np.zeros(2),
        psp_target=0,
        memory=0,
        traces=0,
        draws=0,
    )
    return Layer(
        number=number,
        first_group=sum(map(n_groups, network.sizes[1 : number + 1])),
        n=n,
        n_pre=n_pre,
        is_output=is_output,
        population=network.population if is_output else 1,
        source=source,
        n_feedback=n_feedback,
        feeds=number in network.feeding,
        weights=weights,
        feedback=feedback,
        **arrays,
        curve=None,
        plateau_curve=None,
        apical=lanes_array(2 * blocks, real),
        plateau=plateau,
        early=np.zeros((2, blocks * LANES), np.int64),
        own=own,
        other=own._replace(error=np.zeros(n, real)),
        spikes=spikes,
        fed=spikes,
        below=spikes,
        received=spikes,
        scratch=np.zeros(n),
        work=work,
    )


def curves_of(network: Network) -> list[Any]:
    """Return the constants of the curves of all layers, two each: of the soma, and of plateaus, which outputs lack."""
    plateaus = [*(neuron.plateau for neuron in network.hidden_neurons), network.output.curve]
    return [curve.constants() for pair in zip(network.curves, plateaus, strict=True) for curve in pair]


def bend(net: Any, curves: Sequence[Any]) -> Any:
    """Return the network with its curves, given their constants in the order of `curves_of`."""
    chosen = choices(curves)
    present = [curve for layer in net.layers for curve in (layer.curve, layer.plateau_curve)]
    if present == chosen and list(map(type, present)) == list(map(type, chosen)):
        return net
    layers = [
        layer._replace(curve=curve, plateau_curve=plateau)
        for layer, curve, plateau in zip(net.layers, chosen[::2], chosen[1::2], strict=True)
    ]
    return net._replace(layers=Records(layers))


def equip(net: Any, asks: Asks, others: Asks, real: Any) -> Any:
    """Return the network with room for what a rule asks for, and what one does that is only compared with it."""
    asked = asks.psp_target or others.psp_target

    def listening(spikes: Spikes) -> Spikes:
        return spikes._replace(psp_target=np.zeros(len(spikes.psp) if asked else 0))

    inputs = listening(net.inputs)
    layers: list[Layer] = []
    for layer in net.layers:
        spikes = listening(layer.spikes)
        below = layers[-1].spikes if layers else inputs
        layers.append(
            layer._replace(
                spikes=spikes,
                fed=spikes,
                own=_given(layer.own, asks, below.psp_target, real),
                other=_given(layer.other, others, below.psp_target, real),
            )
        )
    return net._replace(inputs=inputs, layers=link(inputs, layers))


def _given(own: Own, asks: Asks, psp_target: np.ndarray, real: Any) -> Own:
    return own._replace(
        psp_target=psp_target if asks.psp_target else 0,
        memory=np.zeros((asks.memory, own.n), real) if asks.memory else 0,
        traces=lanes_array(asks.traces * len(own.weights), real) if asks.traces else 0,
        draws=np.zeros((asks.draws, own.n)) if asks.draws else 0,
    )


def kept(layer: Layer) -> list[np.ndarray]:
    """Return the numbers that the rule keeps of a layer's neurons and synapses, as far as it does."""
    return [array for array in (layer.own.memory, layer.own.traces) if isinstance(array, np.ndarray)]


def link(inputs: Spikes, layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Let each layer know whose spikes it receives, from below and from where feedback comes."""
    return Records(
        layer._replace(
            below=below,
            received=layers[layer.source].fed,
            own=layer.own._replace(psp=below.psp),
            other=layer.other._replace(psp=below.psp),
        )
        for layer, below in zip(layers, [inputs, *(layer.spikes for layer in layers)], strict=False)
    )


def conductances(network: Network) -> list[tuple[tuple[float, float], float, float]]:
    """Return of each layer, 1/ms: total conductance in both phases, that of the dendrite, and of the apical one."""
    output = network.output
    taught = output.g_total + output.g_teach
    return [
        *(((each.g_total, each.g_total), each.g_basal, each.g_apical) for each in network.hidden_neurons),
        ((output.g_total, taught), output.g_dendrite, 0.0),
    ]


def set_weights(layers: tuple[Layer, ...], weights: Weights) -> None:
    """Write weights into the blocks of their layers."""
    for layer, forward, bias in zip(layers, weights.W, weights.b, strict=True):
        _set_rows(layer.weights, layer.n_pre, forward)
        layer.bias.reshape(-1)[: layer.n] = bias
    for layer, feedback, bias in zip(layers[:-1], weights.Y, weights.c, strict=True):
        _set_rows(layer.feedback, layer.n_feedback, feedback)
        layer.apical_bias.reshape(-1)[: layer.n] = bias


def get_weights(layers: tuple[Layer, ...]) -> Weights:
    """Return a copy of the weights in the user's order."""
    return Weights(
        tuple(_get_rows(layer.weights, layer.n_pre, layer.n) for layer in layers),
        tuple(layer.bias.reshape(-1)[: layer.n].copy() for layer in layers),
        tuple(_get_rows(layer.feedback, layer.n_feedback, layer.n) for layer in layers[:-1]),
        tuple(layer.apical_bias.reshape(-1)[: layer.n].copy() for layer in layers[:-1]),
    )


def get_kept(layer: Layer) -> dict[str, np.ndarray]:
    """Return copies of the numbers that the rule keeps, in the user's order: (k, n) of neurons, (k, n, n_pre)."""
    found, own = {}, layer.own
    if isinstance(own.memory, np.ndarray):
        found["memory"] = own.memory.copy()
    if isinstance(own.traces, np.ndarray):
        found["traces"] = np.array([_get_rows(part, own.n_pre, own.n) for part in _parts(layer)])
    return found


def set_kept(layer: Layer, kept: Mapping[str, np.ndarray]) -> None:
    """Take up what `get_kept` returned."""
    if "memory" in kept:
        layer.own.memory[:] = kept["memory"]
    if "traces" in kept:
        for part, given in zip(_parts(layer), kept["traces"], strict=True):
            _set_rows(part, layer.n_pre, given)


def _parts(layer: Layer) -> np.ndarray:
    return layer.own.traces.reshape(-1, *layer.weights.shape)


def _set_rows(blocked: np.ndarray, n_pre: int, weights: np.ndarray) -> None:
    blocks = blocked.reshape(-1, n_pre, LANES)
    for block, first in zip(blocks, range(0, len(weights), LANES), strict=True):
        part = weights[first : first + LANES]
        block[:, : len(part)] = part.T


def _get_rows(blocked: np.ndarray, n_pre: int, n: int) -> np.ndarray:
    return blocked.reshape(-1, n_pre, LANES).transpose(0, 2, 1).reshape(-1, n_pre)[:n].copy()


def check_weights(network: Network, weights: Weights) -> None:
    """Raise `InputError` unless every array of the weights is finite and has the shape that the network needs."""
    check_kind("weights", weights, Weights, "draw some with network.draw_weights(seed)")
    sizes = network.sizes
    arrays = {name: list(getattr(weights, name)) for name in ("W", "b", "Y", "c")}
    for name, own in arrays.items():
        for layer, array in enumerate(own):
            check_kind(f"Weights.{name}[{layer}]", array, np.ndarray, "make one by numpy.array")
            if array.dtype.kind not in "fiu":
                raise InputError(f"Weights.{name}[{layer}] must hold numbers, got {array.dtype}; use astype")
    if weights.W and weights.sizes != sizes:
        raise InputError(f"weights of sizes {weights.sizes} do not fit a network of sizes {sizes}")
    wanted = {
        "W": list(zip(sizes[1:], sizes[:-1], strict=True)),
        "b": [(n,) for n in sizes[1:]],
        "Y": [(n, sizes[feeding + 1]) for n, feeding in zip(sizes[1:-1], network.feeding, strict=True)],
        "c": [(n,) for n in sizes[1:-1]],
    }
    for name, shapes in wanted.items():
        given = [array.shape for array in arrays[name]]
        if given != shapes:
            raise InputError(
                f"Weights.{name} of shapes {given} do not fit a network of sizes {sizes}: it needs {shapes}"
            )
        for layer, array in enumerate(arrays[name]):
            if not np.isfinite(array).all():
                place = tuple(np.argwhere(~np.isfinite(array))[0].tolist())
                raise InputError(
                    f"Weights.{name}[{layer}] is {array[place]} at {place}; weights that are given must be finite"
                )
