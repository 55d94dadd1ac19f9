"""A network in Brian2's language: equations as text, groups of neurons and their synapses.

Potentials have no unit. The kernel has unit area, in 1/ms, and weights carry the other ms.
"""

import signal
from collections.abc import Sequence
from typing import Any

import numpy as np

from spikelearn.network import Network
from spikelearn.peers.task import Unavailable
from spikelearn.weights import Weights

HIDDEN = "dv/dt = g_basal*(v_basal - v) - g_leak*v : 1"
HIDDEN_WITH_APICAL = "dv/dt = g_basal*(v_basal - v) + g_apical*(v_apical - v) - g_leak*v : 1"
OUTPUT = """
dv/dt = g_dendrite*(v_basal - v) + g_teach*{teaching}*(reversal - v) - g_leak*v : 1
reversal = e_inhibit + (e_excite - e_inhibit)*int(i//population == {label}) : 1
"""
DENDRITE = """
v_{name} = bias_{name} + (slow_{name} - fast_{name})/(tau_decay - tau_rise) : 1
dslow_{name}/dt = -slow_{name}/tau_decay : second
dfast_{name}/dt = -fast_{name}/tau_rise : second
bias_{name} : 1 (constant)
"""
ARRIVE = "slow_{name} += weight; fast_{name} += weight"
FORGET = "slow_{name} -= weight*slow_left; fast_{name} -= weight*fast_left"  # at the cut-off, what is left of a spike


def import_brian2() -> Any:
    """Import Brian2, and leave Ctrl-C to whom it belonged before.

    Raises
    ------
    Unavailable
        It cannot be imported.
    """
    interrupted = signal.getsignal(signal.SIGINT)
    try:
        import brian2
    except (ImportError, AttributeError) as error:  # the latter: Brian2 2.9 with NumPy 2.4
        raise Unavailable(f"Brian2 cannot be imported ({error}); pip install 'spikelearn[brian2]'") from error
    signal.signal(signal.SIGINT, interrupted)
    return brian2


def layers(
    b2: Any, network: Network, weights: Weights, names: dict[str, Any], output: str, *, apical: bool, method: Any
) -> list[Any]:
    """Return a group of neurons for each layer with weights.

    Parameters
    ----------
    b2 : module
    network, weights
    names : dict
        What `output` calls by name; see `numbers_of`, too.
    output : str
        Equations of the output layer, made of `OUTPUT`.
    apical : bool
        Whether hidden neurons have apical dendrites.
    method : str or callable
        How Brian2 integrates.
    """
    hidden = (HIDDEN_WITH_APICAL + DENDRITE.format(name="apical")) if apical else HIDDEN
    made = []
    for layer, neuron in enumerate((*network.hidden_neurons, network.output)):
        is_hidden = layer < network.n_hidden
        group = b2.NeuronGroup(
            network.sizes[layer + 1],
            (hidden if is_hidden else output) + DENDRITE.format(name="basal"),
            threshold=f"rand() < rate_max*dt*({_expression(neuron)})",
            method=method,
            namespace=names | _conductances(b2, neuron),
            name=f"hidden{layer}" if is_hidden else "output",
        )
        group.bias_basal = weights.b[layer]
        if apical and is_hidden:
            group.bias_apical = weights.c[layer]
        made.append(group)
    return made


def synapses(
    b2: Any, network: Network, name: str, sources: Sequence[Any], targets: Sequence[Any],
    matrices: Sequence[np.ndarray], *, names: dict[str, Any], delay: Any = None,
) -> list[Any]:  # fmt: skip
    """Return the synapses onto the dendrite `name` of each target: ``W`` onto "basal" ones, ``Y`` onto "apical" ones.

    A source that has more neurons than the layer has copies of the layer, one after the other.
    """
    made = []
    for source, target, matrix in zip(sources, targets, matrices, strict=True):
        events, delays = {"arrive": ARRIVE.format(name=name)}, {} if delay is None else {"arrive": delay}
        if network.synapse.cutoff is not None:
            events["forget"], delays["forget"] = (
                FORGET.format(name=name),
                network.synapse.cutoff * b2.ms + delays.get("arrive", 0 * b2.ms),
            )
        each = b2.Synapses(
            source, target, "weight : second (constant)", on_pre=events, delay=delays, namespace=names,
            name=f"{name}_{target.name}",
        )  # fmt: skip
        each.connect()
        each.weight = matrix[each.j[:], each.i[:] % matrix.shape[1]] * b2.ms
        made.append(each)
    return made


def numbers_of(b2: Any, network: Network) -> dict[str, Any]:
    """Return what the equations of all layers call by name, besides conductances."""
    synapse = network.synapse
    cutoff = np.inf if synapse.cutoff is None else synapse.cutoff
    return {
        "rate_max": network.rate_max / b2.ms,
        "population": network.population,
        "tau_decay": synapse.tau_decay * b2.ms,
        "tau_rise": synapse.tau_rise * b2.ms,
        "slow_left": np.exp(-cutoff / synapse.tau_decay),
        "fast_left": np.exp(-cutoff / synapse.tau_rise),
    }


def _conductances(b2: Any, neuron: Any) -> dict[str, Any]:
    """Return the numbers of a neuron: conductances in 1/ms, potentials without unit."""
    numbers = {name: value for name, value in vars(neuron).items() if isinstance(value, float)}
    return {name: value / b2.ms if name.startswith("g_") else value for name, value in numbers.items()}


def _expression(neuron: Any) -> str:
    """Return the f-I curve of a neuron as Brian2 writes it."""
    if not hasattr(neuron.curve, "expression"):
        raise Unavailable(
            f"{type(neuron.curve).__name__} does not say how Brian2 writes it; give it a method expression(v)"
        )
    return neuron.curve.expression("v")
