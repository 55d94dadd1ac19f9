"""The feedback pathway: when plateaus come, and feedback weights that do not stay as they are.

A *plan* is a NamedTuple that says how; `refresh_feedback` and `learn_feedback` pick the kernels registered for its type
when they are compiled, so fixed feedback costs nothing.
"""

from collections.abc import Callable
from typing import NamedTuple

from spikelearn.core.curves import slope
from spikelearn.core.jit import inlined, kernel
from spikelearn.core.lanes import LANES, fma, full, load, pick, total
from spikelearn.core.layer import FORWARD, GROUP, PARTS, group_size, n_groups
from spikelearn.core.parts import compiled_as
from spikelearn.core.random import fill_normals, fill_words, uniform
from spikelearn.core.registered import register, registered

PLATEAUS, NOISE = 0, 1  # keys


class Fixed(NamedTuple):
    """Feedback weights stay as they were drawn."""


class Tied(NamedTuple):
    """Feedback weights are the forward weights, transposed, and noise that is drawn anew for every example."""

    noise: float  # SD


class Learned(NamedTuple):
    """Feedback weights descend the inverse loss."""

    rate: float


class Twinned(NamedTuple):
    """Feedback weights change as the forward weights above them do, and both decay (Kolen & Pollack)."""

    decay: float


class Mirrored(NamedTuple):
    """Feedback weights follow what noise in their layer does to the layer above (a weight mirror)."""

    rate: float


def register_plan(
    plan: type, refresh: Callable[..., None] | None = None, learn: Callable[..., None] | None = None
) -> None:
    """Say what becomes of feedback weights by a plan of type `plan`.

    Parameters
    ----------
    plan : type
        A NamedTuple class; its fields are numbers. A feedback's method `plan` returns one.
    refresh : function, compiled with `kernel` or `inlined`, optional
        ``refresh(plan, layers, pathway, example)`` sets the feedback weights that an example uses, before it. It may
        be called twice for one, so it must not add to what is there.
    learn : function, compiled so, optional
        ``learn(plan, layers, pathway, example, learning_rates)`` changes them by what an example taught, after forward
        weights have changed. What it may read of each layer is ``layer.own``, errors included, and
        ``layer.received.delivered``; of a learning rate, that of each layer. `feedback_weight` and
        `set_feedback_weight` find a weight, `draw_normals` has noise.
    """
    register(plan, refresh, learn)


def refresh_feedback(plan, layers, pathway, example):
    """Set the feedback weights that example number `example` uses, as far as they follow from the forward weights."""
    refresh, _ = registered(type(plan)).code
    if refresh is not None:
        refresh(plan, layers, pathway, example)


def learn_feedback(plan, layers, pathway, example, learning_rates):
    """Change the feedback weights by what an example taught."""
    _, learn = registered(type(plan)).code
    if learn is not None:
        learn(plan, layers, pathway, example, learning_rates)


@compiled_as(refresh_feedback)
def _compiled_refresh(plan, layers, pathway, example):
    refresh, _ = registered(plan.instance_class).code
    if refresh is None:
        return lambda plan, layers, pathway, example: None
    return lambda plan, layers, pathway, example: refresh(plan, layers, pathway, example)


@compiled_as(learn_feedback)
def _compiled_learn(plan, layers, pathway, example, learning_rates):
    _, learn = registered(plan.instance_class).code
    if learn is None:
        return lambda plan, layers, pathway, example, learning_rates: None
    return lambda plan, layers, pathway, example, learning_rates: learn(plan, layers, pathway, example, learning_rates)


# -- for kernels ------------------------------------------------------------------------------------------------------


@inlined
def feedback_weight(layer, i, k):
    """Return the weight to neuron `i` of a layer from neuron `k` of the one that feeds back."""
    return layer.feedback[i // LANES * layer.n_feedback + k, i % LANES]


@inlined
def set_feedback_weight(layer, i, k, value):
    """Set the weight to neuron `i` of a layer from neuron `k` of the one that feeds back."""
    layer.feedback[i // LANES * layer.n_feedback + k, i % LANES] = value


@kernel
def draw_normals(layer, pathway, example, k, group):
    """Draw standard normal numbers for a group of neurons into ``pathway.normals``; `k` tells draws apart."""
    fill_words(pathway.keys[NOISE], k, layer.first_group + group, example, pathway.words, 0)
    fill_normals(pathway.words, 0, pathway.normals)


# -- plateaus ---------------------------------------------------------------------------------------------------------


@kernel
def draw_early(layer, pathway, example, phase):
    """Draw how many grains before the end of a phase every neuron of a layer has its plateau."""
    early, chances = layer.early, pathway.early
    if chances.shape[0] == 1:  # all at the end
        return
    for group in range(n_groups(layer)):
        fill_words(pathway.keys[PLATEAUS], phase, layer.first_group + group, example, pathway.words, 0)
        for lane in range(group_size(layer, group)):
            k, draw = 0, uniform(pathway.words[0, lane])
            while chances[k] <= draw:
                k += 1
            early[phase, group * GROUP + lane] = k


# -- plans ------------------------------------------------------------------------------------------------------------


@inlined
def tie(plan, layers, pathway, example):
    """Set the feedback weights to the forward weights from their layer up to the one that feeds back, transposed.

    Layers come from the top down: feedback that skips layers is the product of the weights in between, so that of a
    layer is the weights of the layer above times the feedback to that one. Noise is added in the end.
    """
    for number in range(len(layers) - 2, -1, -1):
        tie_layer(layers[number], layers[number + 1])
    if plan.noise > 0:
        for number in range(len(layers) - 1):
            add_noise(plan, layers[number], pathway, example)


@kernel
def tie_layer(layer, above):
    """Set the feedback weights of a layer to the transposed weights above it, or to their product with its feedback."""
    feedback, weights = layer.feedback, above.weights
    for i in range(layer.n):
        for k in range(layer.n_feedback):
            if layer.source == above.number:
                value = weights[k // LANES * layer.n + i, k % LANES]
            else:
                value = _product(above, i, k)
            feedback[i // LANES * layer.n_feedback + k, i % LANES] = value


@inlined
def _product(above, i, k):
    """Return the sum over the neurons above of weight from `i` times feedback weight to `k`, alike for any lanes."""
    result = full(above.weights, 0.0)
    for part in range(PARTS):
        product = full(above.weights, 0.0)
        for block in range(part, above.bias.shape[0], PARTS):
            weights = load(above.weights, block * above.n_pre + i)
            product = fma(weights, load(above.feedback, block * above.n_feedback + k), product)
        result = result + product
    return total(result)


@kernel
def add_noise(plan, layer, pathway, example):
    """Add normal draws to the feedback weights of a layer; each group has a stream of its own."""
    for group in range(n_groups(layer)):
        for k in range(layer.n_feedback):
            draw_normals(layer, pathway, example, k, group)
            for lane in range(group_size(layer, group)):
                row = (group * PARTS + lane // LANES) * layer.n_feedback + k
                layer.feedback[row, lane % LANES] += plan.noise * pathway.normals[lane]


@inlined
def learn_inverses(plan, layers, pathway, example, learning_rates):
    """Let plateaus in the forward phase of all hidden layers come closer to the rates below them."""
    for number in range(len(layers) - 1):
        learn_inverse(plan, layers[number])


@kernel
def learn_inverse(plan, layer):
    """Descend half the square of ``rate - alpha``; weights of zero stay zero, so that sparse feedback stays sparse.

    ``Y += eta (rate_max curve(mean V) - alpha) plateau'(mean V_apical) x received``, all of the forward phase.
    """
    feedback, own, delivered = layer.feedback, layer.own, layer.received.delivered
    shifts, rate_max = delivered.shape[0] // 2, own.error.dtype.type(own.rate_max)
    for i in range(layer.n):
        bend = slope(layer.plateau_curve, layer.apical[i // LANES, i % LANES])
        step = plan.rate * (rate_max * own.predicted[i] - own.plateau_forward[i]) * bend
        window = FORWARD * shifts + layer.early[FORWARD, i]
        for k in range(layer.n_feedback):
            row = i // LANES * layer.n_feedback + k
            if feedback[row, i % LANES] != 0:
                feedback[row, i % LANES] += step * delivered[window, k]


@inlined
def learn_as_above(plan, layers, pathway, example, learning_rates):
    """Change feedback weights of all hidden layers as the forward weights above them just did; let both decay."""
    for number in range(len(layers) - 1):
        learn_as_forward(plan, layers[number], layers[number + 1], learning_rates[number + 1])


@kernel
def learn_as_forward(plan, layer, above, learning_rate):
    """Add ``rate * error above x own average``, as `apply_errors` does, to weights the other way; let both decay."""
    error, psp, keep = above.own.error, above.own.psp, 1.0 - plan.decay
    for k in range(above.n):
        change = learning_rate * error[k]
        for i in range(layer.n):
            set_feedback_weight(layer, i, k, keep * (feedback_weight(layer, i, k) + change * psp[i]))
            above.weights[k // LANES * layer.n + i, k % LANES] *= keep


@inlined
def mirror_all(plan, layers, pathway, example, learning_rates):
    """Let the feedback weights of all hidden layers follow the forward weights above them."""
    for number in range(len(layers) - 1):
        mirror(plan, layers[number], layers[number + 1], pathway, example)


@kernel
def mirror(plan, layer, above, pathway, example):
    """Let a layer be active by noise alone, and learn by ``own noise x response above``: ``E[x (W x)^T] = W^T``.

    Weights of the noise's own draws decay as fast as they grow, so they end as the forward ones, with noise on them.
    """
    noise, response = layer.scratch, above.scratch
    for group in range(n_groups(layer)):
        draw_normals(layer, pathway, example, 0, group)
        for lane in range(group_size(layer, group)):
            noise[group * GROUP + lane] = pathway.normals[lane]
    for block in range(above.bias.shape[0]):
        heard = full(above.weights, 0.0)
        for i in range(layer.n):
            heard = fma(noise[i], load(above.weights, block * layer.n + i), heard)
        for lane in range(min(LANES, above.n - block * LANES)):
            response[block * LANES + lane] = pick(heard, lane)
    for i in range(layer.n):
        for k in range(layer.n_feedback):
            now = feedback_weight(layer, i, k)
            set_feedback_weight(layer, i, k, now + plan.rate * (noise[i] * response[k] - now))


register_plan(Fixed)
register_plan(Tied, refresh=tie)
register_plan(Learned, learn=learn_inverses)
register_plan(Twinned, learn=learn_as_above)
register_plan(Mirrored, learn=mirror_all)
