"""What the analyses say of networks trained on digits: that the paper's rule assigns credit, and how.

The control is the same network trained by backpropagation, in which plateau potentials and Y mean nothing.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from conftest import needs_jit
from scipy.special import expit

import spikelearn as sl
from spikelearn import analysis
from spikelearn.models import guerguiev2017

pytestmark = needs_jit

MODEL = guerguiev2017.one_hidden("text", n_input=64, hidden=(100,))
CLASSES = 10


class Trained(NamedTuple):
    start: sl.Weights
    weights: sl.Weights
    angle: np.ndarray
    loss: np.ndarray
    label: np.ndarray


def trained(data, rule, seed):
    training = sl.train(replace(MODEL, rule=rule), data.train, seed=seed, epochs=6, compare=sl.Backprop())
    start, chunks = training.weights, list(training)
    angle, loss, label = (np.concatenate([getattr(c, name) for c in chunks]) for name in ("angle", "loss", "label"))
    return Trained(start, training.weights, angle[:, 0], loss, label)


@pytest.fixture(scope="module")
def digits():
    return sl.load("digits")


@pytest.fixture(scope="module")
def local(digits):
    return trained(digits, sl.Plateau(), seed=1)


@pytest.fixture(scope="module")
def control(digits):
    return trained(digits, sl.Backprop(), seed=2)


def expected(weights, images):
    """Return the hidden layer's rates, spikes/ms, and the outputs' potentials if spikes were their expectation."""
    network = MODEL.network
    hidden_gain, output_gain = network.dendrite_gains
    x = network.rate_max * images.intensities(np.arange(len(images)))
    hidden = network.rate_max * expit(hidden_gain * (x @ weights.W[0].T + weights.b[0]))
    return hidden, output_gain * (hidden @ weights.W[1].T + weights.b[1])


def round_trip(weights, images):
    _, v = expected(weights, images)
    rate_max, gain = MODEL.network.rate_max, MODEL.network.dendrite_gains[-1]
    up = analysis.output_jacobian(v, weights.W[1], dendrite_gain=gain, rate_max=rate_max)
    down = analysis.feedback_jacobian(v, weights.Y[0], rate_max=rate_max)
    return analysis.products(up, down).mean(axis=0)


def test_the_angle_to_backpropagation_falls_from_90_to_less_than_70_degrees(local):
    # Measured with seeds 1 and 2: 91, 89 in the first thousand, 59.4, 60 in the last
    blocks = analysis.block_means(local.angle, 1000)
    assert blocks.mean[0] == pytest.approx(90, abs=4)
    assert (np.diff(blocks.mean[:4]) < -3 * blocks.sem[1:4]).all()
    assert blocks.mean[-1] < 70


def test_backpropagation_is_at_no_angle_to_itself(control):
    np.testing.assert_allclose(control.angle, 0, atol=0.05)  # the errors are float32


def test_forward_weights_turn_towards_feedback_by_the_local_rule_only(local, control):
    start, after = (analysis.alignments(w.W, w.Y)[0] for w in (local.start, local.weights))
    assert start.degrees == pytest.approx(90, abs=6)  # 57.3 / sqrt(1000) is 1.8
    assert after.degrees < 65
    assert np.median(after.by_neuron) < 65
    assert analysis.alignments(control.weights.W, control.weights.Y)[0].degrees == pytest.approx(90, abs=8)


def test_feedback_comes_to_invert_the_way_up_in_part(local, control, digits):
    before, after = (round_trip(w, digits.test) for w in (local.start, local.weights))
    assert analysis.mean_diagonal(before) == pytest.approx(0, abs=0.05)
    assert analysis.mean_diagonal(after) > 0.15
    assert analysis.contraction(after) < analysis.contraction(before) - 1
    assert analysis.mean_diagonal(round_trip(control.weights, digits.test)) == pytest.approx(0, abs=0.1)


def test_losses_of_both_layers_go_together_in_every_category(local):
    last = slice(-4000, None)
    found = analysis.loss_correlation(local.loss[last, 0], local.loss[last, 1], local.label[last], CLASSES, seed=1)
    assert (found.r > found.shuffled_high).all()
    assert found.r.mean() > 0.25
    first = slice(0, 1000)
    early = analysis.loss_correlation(local.loss[first, 0], local.loss[first, 1], local.label[first], CLASSES, seed=1)
    assert (early.r > early.shuffled_high).sum() < CLASSES


def test_losses_go_together_without_credit_being_assigned_by_them_too(control):
    # Why a positive correlation proves less than it seems: plateau potentials played no part in this training.
    last = slice(-4000, None)
    found = analysis.loss_correlation(
        control.loss[last, 0], control.loss[last, 1], control.label[last], CLASSES, seed=1
    )
    assert (found.r > found.shuffled_high).all()


def test_the_loss_of_the_output_falls_in_every_category(local):
    first, last = (
        analysis.mean_losses(local.loss[part], local.label[part], CLASSES)
        for part in (slice(0, 1000), slice(-1000, None))
    )
    assert (last.mean[:, 1] < 0.8 * first.mean[:, 1]).all()


def test_networks_trained_apart_find_fields_more_alike_than_chance(local, control):
    regular = analysis.best_match(local.weights.W[0], control.weights.W[0]).r
    shuffled = analysis.shuffled_match(local.weights.W[0], control.weights.W[0], seed=1).r
    untrained = analysis.best_match(local.start.W[0], control.start.W[0]).r
    assert regular.mean() > shuffled.mean() + 0.08
    assert untrained.mean() == pytest.approx(shuffled.mean(), abs=0.03)


def test_learning_separates_the_classes_in_the_hidden_layer(local, digits):
    before, after = (
        analysis.separation(expected(w, digits.test)[0], digits.test.y) for w in (local.start, local.weights)
    )
    assert after.silhouette > before.silhouette + 0.1
    assert after.neighbour_error < 12


def test_learning_lowers_the_rates_of_a_layer_that_starts_near_its_maximum(local, digits):
    before, after = (
        analysis.rate_distribution(expected(w, digits.test)[0].mean(axis=0), rate_max=MODEL.network.rate_max)
        for w in (local.start, local.weights)
    )
    assert after.mean_hz < before.mean_hz - 20
    assert after.silent == 0


def test_repeated_tests_vary_by_the_images_that_are_a_matter_of_chance(local, digits):
    seen = digits.test.first(150)
    wrong = sl.evaluate(MODEL.network, local.weights, seen, seed=1, repeats=40) != seen.y
    found = analysis.spread(100 * wrong.mean(axis=1))
    # Every image is wrong or not by chances of its own, independently of the others.
    assert found.sd == pytest.approx(100 * np.sqrt(wrong.var(axis=0, ddof=1).sum()) / len(seen), rel=0.35)
    assert 0 < found.sd < 100 * np.sqrt(wrong.mean() * (1 - wrong.mean()) / len(seen))
