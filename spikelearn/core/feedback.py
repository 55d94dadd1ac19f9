"""The feedback pathway: when plateaus come, and feedback weights that do not stay as they are.

A *plan* is a NamedTuple that says how; `refresh_feedback` and `learn_feedback` pick the kernel for its type when they
are compiled, so fixed feedback costs nothing.
"""

from typing import NamedTuple

import numpy as np
from numba.extending import overload

from spikelearn.core.jit import kernel
from spikelearn.core.lanes import LANES, fma, full, load, total
from spikelearn.core.layout import FORWARD, feeding_place
from spikelearn.core.random import fill_normals, fill_words, uniform

PLATEAUS, NOISE = 0, 1  # keys


class Pathway(NamedTuple):
    """How feedback reaches the apical dendrites, and when they answer; and scratch."""

    rates: bool  # do they receive rates, not filtered spikes?
    grain: float  # by how much plateaus may be early: a multiple of so many steps, or ms
    early: np.ndarray  # (shifts,) float64, chance of at most so many grains; ends with 1
    keys: np.ndarray  # (2, 4) uint32: plateaus, noise
    words: np.ndarray  # (1, 64) uint32
    normals: np.ndarray  # (64,) float64


class Fixed(NamedTuple):
    """Feedback weights stay as they were drawn."""


class Tied(NamedTuple):
    """Feedback weights are the forward weights, transposed, and noise that is drawn anew for every example."""

    noise: float  # SD


class Learned(NamedTuple):
    """Feedback weights descend the inverse loss."""

    rate: float


def refresh_feedback(plan, net, example):
    """Set the feedback weights that example number `example` uses, as far as they follow from the forward weights."""
    if type(plan) is Tied:
        tie(plan, net, example)


def learn_feedback(plan, net, trial, averages):
    """Change the feedback weights by what an example taught."""
    if type(plan) is Learned:
        invert(plan, net, trial, averages)


@overload(refresh_feedback)
def _compiled_refresh(plan, net, example):
    if plan.instance_class is Tied:
        return lambda plan, net, example: tie(plan, net, example)
    return lambda plan, net, example: None


@overload(learn_feedback)
def _compiled_learn(plan, net, trial, averages):
    if plan.instance_class is Learned:
        return lambda plan, net, trial, averages: invert(plan, net, trial, averages)
    return lambda plan, net, trial, averages: None


@kernel
def draw_early(net, averages, example):
    """Draw how many grains before the end of each phase every hidden neuron has its plateau."""
    early, pathway = averages.early, net.pathway
    if pathway.early.shape[0] == 1:  # all at the end
        return
    for block in range(early.shape[1] // LANES):
        for phase in range(2):
            fill_words(pathway.keys[PLATEAUS], phase, block, example, pathway.words, 0)
            for lane in range(LANES):
                k, draw = 0, uniform(pathway.words[0, lane])
                while pathway.early[k] <= draw:
                    k += 1
                early[phase, block * LANES + lane] = k


@kernel
def tie(plan, net, example):
    """Set the feedback weights to the forward weights from their layer up to the one that feeds back, transposed.

    Layers come from the top down: feedback that skips layers is the product of the weights in between, so that of a
    layer is the weights of the layer above times the feedback to that one. Noise is added in the end.
    """
    layout, forward, feedback = net.layout, net.weights.forward, net.weights.feedback
    for layer in range(layout.feeding.shape[0] - 1, -1, -1):
        above, feeding = layer + 1, layout.feeding[layer]
        for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
            first_cell = (block - layout.first_block[layer]) * LANES
            for lane in range(layout.lanes[block]):
                pre = first_cell + lane
                for k in range(layout.sizes[feeding]):
                    row = layout.feedback_row[block] + k
                    if feeding == above:
                        home = layout.first_block[above] + k // LANES
                        feedback[row, lane] = forward[layout.weight_row[home] + pre, k % LANES]
                    else:
                        product = full(feedback, 0.0)
                        for home in range(layout.first_block[above], layout.first_block[above + 1]):
                            weights = load(forward, layout.weight_row[home] + pre)
                            product = fma(weights, load(feedback, layout.feedback_row[home] + k), product)
                        feedback[row, lane] = total(product)
    if plan.noise > 0:
        _add_noise(plan, net, example)


@kernel
def _add_noise(plan, net, example):
    """Add normal draws to all feedback weights; each hidden block has a stream of its own."""
    layout, feedback, pathway = net.layout, net.weights.feedback, net.pathway
    for layer in range(layout.feeding.shape[0]):
        for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
            for k in range(layout.sizes[layout.feeding[layer]]):
                fill_words(pathway.keys[NOISE], k, block, example, pathway.words, 0)
                fill_normals(pathway.words, 0, pathway.normals)
                row = layout.feedback_row[block] + k
                for lane in range(layout.lanes[block]):
                    feedback[row, lane] += plan.noise * pathway.normals[lane]


@kernel
def invert(plan, net, trial, averages):
    """Let plateaus in the forward phase come closer to the rates below them (the inverse loss).

    Half the square of ``rate - alpha`` descends; weights of zero stay zero, so that sparse feedback stays sparse.
    """
    layout, feedback = net.layout, net.weights.feedback
    shifts = averages.echo.shape[0] // 2
    for layer in range(layout.feeding.shape[0]):
        feeding, first = layout.feeding[layer], feeding_place(layout, layer)
        for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
            for lane in range(layout.lanes[block]):
                cell = block * LANES + lane
                alpha = trial.plateau_forward[cell]
                step = plan.rate * (trial.rate_max * trial.predicted[cell] - alpha) * alpha * (1.0 - alpha)
                row = FORWARD * shifts + averages.early[FORWARD, cell]
                for k in range(layout.sizes[feeding]):
                    if feedback[layout.feedback_row[block] + k, lane] != 0:
                        feedback[layout.feedback_row[block] + k, lane] += step * averages.echo[row, first + k]
