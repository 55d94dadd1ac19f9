"""The network as a `Network` of Brian2, with equations as text, to be run and changed there.

Brian2 takes steps of ``defaultclock.dt``. In a step spikes come first and arrive at once; then synapses decay exactly,
and somata take a forward Euler step with the new dendritic potentials. From the same spikes this gives the potentials
of `Clock`, to rounding. Of the spikes that Brian2 draws a neuron has one a step at most, and other neurons react a step
later, so rates and plateaus approach those of `Event` as steps become short.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from spikelearn.errors import InputError, check_kind, check_range
from spikelearn.network import Network
from spikelearn.peers.brian2_parts import OUTPUT, import_brian2, layers, numbers_of, synapses
from spikelearn.peers.task import Unavailable
from spikelearn.simulation import Train
from spikelearn.timed import by_time
from spikelearn.watching import layer_name, layer_names
from spikelearn.weights import Weights

TAUGHT = """
teaching : 1 (shared)
label : integer (shared)
"""
POTENTIALS = ["v", "v_basal"], ["v", "v_basal", "v_apical"]  # of the outputs, of hidden neurons
EARLY = 1e-6  # of a step: times that are whole steps but for rounding count as such
ORDER = ["start", "thresholds", "synapses", "resets", "groups", "end"]


def to_brian2(network: Network, weights: Weights, *, seed: int, spikes: Mapping[str, Train] | None = None) -> Any:
    """Return a network of Brian2, at rest, that does the same; nothing in it learns.

    Its objects, by name: the `PoissonGroup` ``input``, whose ``rates`` are to be set; the groups ``hidden0``, ... and
    ``output``, with `v`, `v_basal` and, if hidden, `v_apical`; the synapses ``basal_hidden0``, ``apical_hidden0``, ...,
    ``basal_output``; a `SpikeMonitor` for each layer, ``spikes_input``, ...; a `StateMonitor` for each layer but the
    inputs, ``potentials_hidden0``, ... A phase is a call of `run`. After ``network["output"].teaching = 1`` the
    teaching current is on, towards the class ``network["output"].label``.

    Parameters
    ----------
    network : Network
        The network to translate.
    weights : Weights
        Its weights.
    seed : int
        Seed of Brian2's random numbers, which are the same for all that runs in this process.
    spikes : mapping from layer to ((n,) int array, (n,) float array), optional
        Neurons and times, ms, of spikes that these layers send in place of their own: of ``recording.spikes`` all or
        some. A spike is in the step that holds its time.

    Returns
    -------
    brian2.Network
        The network, with its objects by name.

    Raises
    ------
    InputError
        Brian2 is not installed, or it cannot express a part of the network, or the weights are another network's.
    """
    check_kind("network", network, Network, "of a model, give model.network")
    check_range("seed", seed, at_least=0, integer=True)
    if weights.sizes != network.sizes:
        raise InputError(f"weights of sizes {weights.sizes} do not fit a network of sizes {network.sizes}")
    if network.feedback_signal != "spikes":
        raise InputError(
            f"Network.feedback_signal={network.feedback_signal!r} has no counterpart in Brian2 here; use 'spikes'"
        )
    try:
        b2 = import_brian2()
        names = numbers_of(b2, network)
        output = OUTPUT.format(teaching="teaching", label="label") + TAUGHT
        groups = layers(b2, network, weights, names, output, apical=True, method=_dendrites_first)
    except Unavailable as error:
        raise InputError(str(error)) from error
    b2.seed(seed)
    called, known = ["input", *(group.name for group in groups)], layer_names(network)
    sources: list[Any] = [None, *groups]
    for layer, given in ({} if spikes is None else spikes).items():
        name = layer_name(layer, network)
        at = known.index(name)
        neurons, times = by_time(f"spikes of {name}", given, network.sizes[at])
        sources[at] = _sender(b2, called[at], neurons, times, network.sizes[at])
    if sources[0] is None:
        sources[0] = b2.PoissonGroup(network.sizes[0], np.zeros(network.sizes[0]) * b2.Hz, name=called[0])
    fed_back = [sources[layer + 1] for layer in network.feeding]
    # Hidden layers step before the output layer: their apical dendrites see its spikes of the step before.
    late = b2.defaultclock.dt
    found = b2.Network(
        *dict.fromkeys((*sources, *groups)),  # each once
        *synapses(b2, network, "basal", sources[:-1], groups, weights.W, names=names),
        *synapses(b2, network, "apical", fed_back, groups[:-1], weights.Y, names=names, delay=late),
        *(b2.SpikeMonitor(source, name=f"spikes_{name}") for source, name in zip(sources, called, strict=True)),
        *(
            b2.StateMonitor(group, POTENTIALS[group is not groups[-1]], record=True, name=f"potentials_{group.name}")
            for group in groups
        ),
    )
    found.schedule = ORDER
    return found


def _sender(b2: Any, name: str, neurons: np.ndarray, times: np.ndarray, n: int) -> Any:
    """Return what sends spikes; Brian2 allows one a step, so a neuron's k-th spike in a step is its k-th copy's."""
    steps = np.floor(times / float(b2.defaultclock.dt / b2.ms) + EARLY).astype(int)
    events, counts = np.unique(np.stack([steps, neurons]), axis=1, return_counts=True)
    steps, neurons = np.repeat(events, counts, axis=1)
    copies = np.concatenate([np.arange(count) for count in (0, *counts)])
    return b2.SpikeGeneratorGroup(
        n * max((1, *counts)), neurons + n * copies, steps * b2.defaultclock.dt, name=f"given_{name}"
    )


def _dendrites_first(equations: Any, variables: Any, method_options: Any = None) -> str:
    """Write the code of a step: synapses decay exactly, then somata take an Euler step with the new dendrites."""
    import brian2 as b2

    def without(names: set[str]) -> Any:
        return b2.Equations([each for each in equations.values() if each.varname not in names])

    synapses_decay = b2.exponential_euler(without({"v"}), variables)
    somata_follow = b2.euler(without(equations.diff_eq_names - {"v"}), variables)
    return f"{synapses_decay}\n{somata_follow}"
