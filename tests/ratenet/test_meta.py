"""The learned local rule: its equation, its limits, and that its search finds something."""

import json
from dataclasses import replace
from pathlib import Path

import meta_rule
import numpy as np
import pytest

from ratenet.helpers import batch, state_of
from spikelearn.errors import InputError
from spikelearn.ratenet import rules
from spikelearn.ratenet.rules.meta_learned import HEBB, SEEN, UpdateNet
from spikelearn.ratenet.rules.meta_numbers import FOUND

ROOT = Path(__file__).parents[2]
SIZES = (6, 9, 8, 4)


def rng():
    return np.random.default_rng(0)


def learning(net, sizes=SIZES):
    rule = rules.MetaLearned(net=net)
    state = state_of(replace(rule.network(sizes), dtype="float64"), rule)
    return rule, state, batch(state.network, 7)


def test_the_change_of_each_weight_is_its_definition():
    net = UpdateNet.draw(3, rng())
    net = UpdateNet(tuple(np.array(net.numbers) + 0.1))  # c, too, is not zero
    rule, state, shown = learning(net)
    found = rule.gradients(state, shown, rng())
    v, A = np.array(net.numbers[:8]), np.array(net.numbers[8:32]).reshape(3, 8)
    c, u = np.array(net.numbers[32:35]), np.array(net.numbers[35:])
    activity = state.network.forward(state.parameters, shown.x, rng())
    error = activity.h[-1] - shown.target
    for layer in range(2):
        W, b = state.parameters.W[layer], state.parameters.b[layer]
        e, y, slope = error @ state.memory[layer].T, activity.h[layer + 1], activity.slope[layer]
        phi = {}
        for i, j in np.ndindex(len(W), W.shape[1] + 1):
            h = activity.h[layer][:, j] if j < W.shape[1] else np.ones(7)
            weight = W[i, j] if j < W.shape[1] else b[i]
            credit = e[:, i] * slope[:, i]
            phi[i, j] = np.array([
                np.mean(credit * h), np.mean(e[:, i] * h), np.mean(y[:, i] * h), np.mean(y[:, i]) * np.mean(h),
                np.mean(h), np.mean(y[:, i]), np.mean(credit), weight,
            ])  # fmt: skip
        size = np.sqrt(np.mean([np.square(each) for each in phi.values()], axis=0))
        for (i, j), each in phi.items():
            expected = v @ (each / size) + u @ np.tanh(A @ (each / size) + c)
            got = found.W[layer][i, j] if j < W.shape[1] else found.b[layer][i]
            assert got == pytest.approx(expected, rel=1e-12, abs=1e-13)


@pytest.mark.parametrize("tanh_units", [0, 3])
def test_with_credit_alone_each_layer_learns_as_direct_feedback_up_to_a_factor(tanh_units):
    numbers = np.zeros(8 + 10 * tanh_units)
    numbers[0] = 1
    numbers[8:-3] = 0.7  # units whose output has no weight
    rule, state, shown = learning(UpdateNet(tuple(numbers)))
    found = rule.gradients(state, shown, rng()).copy()
    direct = rules.DirectFeedback().gradients(state, shown, rng())
    for layer in range(2):
        ratio = np.linalg.norm(found.W[layer]) / np.linalg.norm(direct.W[layer])
        np.testing.assert_allclose(found.W[layer], ratio * direct.W[layer], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found.b[layer], ratio * direct.b[layer], rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(found.W[2], direct.W[2])


def test_hebbs_rule_strengthens_what_fires_together():
    rule, state, shown = learning(HEBB)
    found = rule.gradients(state, shown, rng())
    h = state.network.forward(state.parameters, shown.x, rng()).h
    together = h[1].T @ h[0]
    np.testing.assert_allclose(found.W[0] / found.W[0][0, 0], together / together[0, 0], rtol=1e-9)
    assert np.sign(found.W[0][0, 0]) == -np.sign(together[0, 0])


def test_the_order_of_pixels_is_nothing_to_it():
    rule, state, shown = learning(UpdateNet.draw(4, rng()))
    plain = rule.gradients(state, shown, rng()).copy()
    order = rng().permutation(6)
    state.parameters.W[0][:] = state.parameters.W[0][:, order]
    other = rule.gradients(state, shown._replace(x=shown.x[:, order]), rng())
    np.testing.assert_allclose(other.W[0], plain.W[0][:, order], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(other.W[1], plain.W[1], rtol=1e-9, atol=1e-12)


def test_nothing_seen_is_no_change_and_no_warning():
    rule, state, shown = learning(UpdateNet.linear({"credit x pre": 1, "error x pre": 1}))
    state.memory = [np.zeros_like(Y) for Y in state.memory]
    assert not rule.gradients(state, shown, rng()).W[0].any()


def test_nets_of_the_wrong_size_or_with_unknown_names_are_refused():
    with pytest.raises(InputError, match="UpdateNet of 17 numbers: it needs 8, and 10 more for each tanh unit"):
        UpdateNet((0.0,) * 17)
    with pytest.raises(InputError, match="'post x pree' is unknown; did you mean 'post x pre'"):
        UpdateNet.linear({"post x pree": 1})
    assert len(SEEN) == 8


def test_nets_that_differ_look_different_in_files_of_results():
    first = UpdateNet.draw(2, rng())
    assert repr(first) == repr(UpdateNet(first.numbers))
    assert repr(first) != repr(replace(first, numbers=(*first.numbers[:-1], first.numbers[-1] + 1e-3)))


def test_the_numbers_in_the_package_are_those_that_the_experiment_found():
    report = json.loads((ROOT / "experiments" / "results" / "meta_rule.json").read_text())
    assert tuple(report["searches"][0]["found"]) == FOUND


def test_a_short_search_finds_a_better_rule_than_its_start_for_tasks_that_it_has_not_seen():
    scale = replace(meta_rule.SMOKE, generations=8, pairs=6, steps=60, hidden=(32,))
    found = meta_rule.meta_train(scale, 1, lambda n: None)
    images = meta_rule.sl.load("digits").train
    network = rules.MetaLearned().network((64, *scale.hidden, 10))
    held = meta_rule.targets(images, network)

    def loss(name):
        net = UpdateNet(tuple(found[name]))
        return np.mean([meta_rule.learned(net, network, images, held, scale.steps, seed) for seed in range(5)])

    assert loss("found") < 0.8 * loss("start")


def test_the_same_seed_finds_the_same_rule():
    first, again, other = (meta_rule.meta_train(meta_rule.SMOKE, seed, lambda n: None) for seed in (1, 1, 2))
    assert first == again
    assert first["found"] != other["found"]
