"""Learning rules: what a rule says of itself, and the calls of its kernels.

A rule is a NamedTuple of constants and kernels registered for its type, which are picked when it is compiled. The
kernels of a local rule are handed nothing but what the neurons of one layer may know; what else a rule reads, keeps or
draws its registration says.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from numba import types

from spikelearn.core.jit import inlined, kernel
from spikelearn.core.lanes import LANES
from spikelearn.core.layer import CORRECT, GROUP, MISMATCH, group_size, n_groups
from spikelearn.core.learn import apply_errors
from spikelearn.core.parts import compiled_as
from spikelearn.core.random import fill_words, uniform
from spikelearn.core.registered import register, registered

RULE = 2  # its key
OWN, ABOVE, SOURCE = "own", "above", "source"  # what a rule reads: its layer, and which other one


class Asks(NamedTuple):
    """What a rule asks for, besides its own layer."""

    reads: str
    psp_target: bool
    memory: int
    traces: int
    draws: int


def register_rule(
    constants: type,
    errors: Callable[..., None],
    change: Callable[..., float] | None = None,
    *,
    reads: str = OWN,
    psp_target: bool = False,
    memory: int = 0,
    traces: int = 0,
    draws: int = 0,
) -> None:
    """Make `errors` the kernel of the rule whose constants are a NamedTuple of type `constants`.

    Kernels are functions compiled with `spikelearn.core.jit.kernel`, so they cannot allocate arrays. `own` is a
    `spikelearn.core.layer.Own`.

    Parameters
    ----------
    constants : type
        A NamedTuple class; its fields are numbers.
    errors : function
        ``errors(rule, own)`` writes ``own.error[:own.n]``, the negative gradient (or what stands for it) with respect
        to the dendritic potential, times the layer's factor. Biases change by the learning rate times that.
    change : function, optional
        ``change(rule, own, i, j)`` returns what the weight from presynaptic neuron `j` to neuron `i` changes by, before
        the learning rate. If there is none, it is ``own.error[i] * own.psp[j]``.
    reads : str
        ``"own"``: a local rule. ``"above"`` or ``"source"``: the kernel is ``errors(rule, own, other)``, `other` being
        the layer above, or the layer that feeds back; errors are worked out from the output down, so those of
        `other` are ready. For the output `other` is itself.
    psp_target : bool
        Average filtered presynaptic spikes in the target phase, too, into ``own.psp_target[:own.n_pre]``, spikes/ms.
    memory : int
        Numbers that each neuron keeps, ``own.memory[:memory, :own.n]``: 0 at the start, saved with the training.
    traces : int
        Numbers that each synapse keeps, for `trace` and `set_trace`: 0 at the start, saved with the training.
    draws : int
        Numbers that are drawn for each neuron in every example, uniform in (0, 1), into ``own.draws[:draws, :own.n]``.
        They follow from seed, example and neuron, whatever the size of chunks.
    """
    register(constants, errors, change, asks=Asks(reads, psp_target, memory, traces, draws))


# -- for kernels ------------------------------------------------------------------------------------------------------


@inlined
def weight(own, i, j):
    """Return the weight from presynaptic neuron `j` to neuron `i`."""
    return own.weights[i // LANES * own.n_pre + j, i % LANES]


@inlined
def trace(own, k, i, j):
    """Return number `k` that the synapse from `j` to `i` keeps."""
    blocks = own.weights.shape[0] // own.n_pre
    return own.traces[(k * blocks + i // LANES) * own.n_pre + j, i % LANES]


@inlined
def set_trace(own, k, i, j, value):
    """Set number `k` that the synapse from `j` to `i` keeps."""
    blocks = own.weights.shape[0] // own.n_pre
    own.traces[(k * blocks + i // LANES) * own.n_pre + j, i % LANES] = value


# -- errors -----------------------------------------------------------------------------------------------------------


def layer_errors(rule: Any, layer: Any, above: Any, source: Any) -> None:
    """Call the kernel registered for the type of `rule`, on records of type `Own`."""
    (errors, _), asks = registered(type(rule))
    errors(rule, layer, *({OWN: (), ABOVE: (above,), SOURCE: (source,)}[asks.reads]))


@compiled_as(layer_errors)
def _compiled_errors(rule, layer, above, source):
    (errors, _), asks = registered(rule.instance_class if isinstance(rule, types.BaseNamedTuple) else None)
    if asks.reads == OWN:
        return lambda rule, layer, above, source: errors(rule, layer)
    if asks.reads == ABOVE:
        return lambda rule, layer, above, source: errors(rule, layer, above)
    return lambda rule, layer, above, source: errors(rule, layer, source)


@inlined
def compute_errors(rule, layers):
    """Write the errors of all layers, from the output down."""
    for number in range(len(layers) - 1, -1, -1):
        above, source = min(number + 1, len(layers) - 1), layers[number].source
        layer_errors(rule, layers[number].own, layers[above].own, layers[source].own)


@inlined
def compute_others(rule, layers):
    """Write the errors of all layers by the rule that is only compared with."""
    for number in range(len(layers) - 1, -1, -1):
        above, source = min(number + 1, len(layers) - 1), layers[number].source
        layer_errors(rule, layers[number].other, layers[above].other, layers[source].other)


class Silent(NamedTuple):
    """Constants of the rule that says nothing; stands where no rule is compared with."""


@kernel
def _no_errors(rule, own):
    """Leave the errors as they are."""


register_rule(Silent, _no_errors)


# -- what all neurons are told, and draws -----------------------------------------------------------------------------


@inlined
def tell(layers, correct):
    """Tell all neurons how far the outputs were from their targets, and whether the prediction was right."""
    output, mismatch = layers[len(layers) - 1].own, 0.0
    for i in range(output.n):
        mismatch = max(mismatch, abs(float(output.activity_target[i]) - float(output.predicted[i])))
    for number in range(len(layers)):
        signal = layers[number].own.signal  # which a rule that is only compared with shares
        signal[MISMATCH], signal[CORRECT] = mismatch, correct


def draw_for(rule: Any, layer: Any, own: Any, pathway: Any, example: int) -> None:
    """Draw what a rule asks for."""
    if registered(type(rule)).asks.draws:
        fill_draws(layer, own, pathway, example)


@compiled_as(draw_for)
def _compiled_draw(rule, layer, own, pathway, example):
    if registered(rule.instance_class).asks.draws:
        return lambda rule, layer, own, pathway, example: fill_draws(layer, own, pathway, example)
    return lambda rule, layer, own, pathway, example: None


@kernel
def fill_draws(layer, own, pathway, example):
    """Draw numbers for each neuron; each group of neurons has a stream of its own."""
    for k in range(own.draws.shape[0]):
        for group in range(n_groups(layer)):
            fill_words(pathway.keys[RULE], k, layer.first_group + group, example, pathway.words, 0)
            for lane in range(group_size(layer, group)):
                own.draws[k, group * GROUP + lane] = uniform(pathway.words[0, lane])


@inlined
def draw_all(rule, other_rule, layers, pathway, example):
    """Draw what the rule and the one compared with ask for, for all layers."""
    for number in range(len(layers)):
        layer = layers[number]
        draw_for(rule, layer, layer.own, pathway, example)
        draw_for(other_rule, layer, layer.other, pathway, example)


# -- new weights ------------------------------------------------------------------------------------------------------


def change_weights(rule: Any, layer: Any, learning_rate: float) -> None:
    """Change weights and biases of a layer by the rule's own kernel, or by ``error x presynaptic average``."""
    (_, change), _ = registered(type(rule))
    if change is None:
        apply_errors(layer, learning_rate)
    else:
        _by(change)(rule, layer, learning_rate)


@compiled_as(change_weights)
def _compiled_change(rule, layer, learning_rate):
    (_, change), _ = registered(rule.instance_class)
    if change is None:
        return lambda rule, layer, learning_rate: apply_errors(layer, learning_rate)
    return _by(change)


def _by(change: Callable[..., float]) -> Callable[..., None]:
    def change_each(rule, layer, learning_rate):
        own, weights, bias, reach = layer.own, layer.weights, layer.bias, layer.reach
        for i in range(layer.n):
            block, lane = i // LANES, i % LANES
            bias[block, lane] += learning_rate * own.error[i]
            for j in range(layer.n_pre):
                changed = weights[block * layer.n_pre + j, lane] + learning_rate * change(rule, own, i, j)
                weights[block * layer.n_pre + j, lane] = changed
                reach[block, lane] = max(reach[block, lane], abs(changed))

    return change_each
