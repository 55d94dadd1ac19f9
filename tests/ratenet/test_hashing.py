"""Winners by hashing: who is active, and what they learn."""

from dataclasses import replace

import numpy as np
import pytest

from ratenet.helpers import batch, numerical_gradient, state_of
from spikelearn.ratenet import rules
from spikelearn.ratenet.shared import mean_loss

SIZES = (6, 30, 20, 4)


def rng():
    return np.random.default_rng(0)


def hashed(**numbers):
    rule = rules.HashedWinners(**numbers)
    state = state_of(replace(rule.network(SIZES), dtype="float64"), rule)
    return rule, state, batch(state.network, 40)


@pytest.mark.parametrize("numbers", [{"bits": 0}, {"bits": 1, "tables": 300}], ids=str)
def test_where_every_unit_collides_it_is_backprop_to_the_bit(numbers):
    rule, state, shown = hashed(**numbers)
    found = rule.gradients(state, shown, rng()).flat.copy()
    np.testing.assert_array_equal(found, rules.Backprop().gradients(state, shown, rng()).flat)
    np.testing.assert_array_equal(rule.outputs(state, shown.x), state.network.outputs(state.parameters, shown.x))
    assert rule.shares(state, shown.x) == (1, 1)


def test_units_collide_as_often_as_the_angle_says():
    rule, state, shown = hashed(bits=2, tables=3)
    W, b, x, draws = state.parameters.W[0], state.parameters.b[0], shown.x[:5], 4000
    a = x @ W.T + b
    lengths = np.sqrt(np.square(W).sum(axis=1) + b**2) * np.sqrt(np.square(x).sum(axis=1) + 1)[:, None]
    theta = np.arccos(a / lengths)
    expected = 1 - (1 - (1 - theta / np.pi) ** 2) ** 3
    generator, seen = rng(), 0
    for _ in range(draws):
        state.memory = rule.start(state.network, state.parameters, generator)
        seen = seen + rule.active(state, 0, x) / draws
    deviation = (seen - expected) / np.sqrt(expected * (1 - expected) / draws)
    assert np.abs(deviation).max() < 4.5  # of 150 numbers
    assert deviation.std() == pytest.approx(1, abs=0.25)
    assert np.ptp(expected) > 0.3


def test_who_is_active_is_its_definition():
    rule, state, shown = hashed(bits=3, tables=4)
    W, b, planes = state.parameters.W[1], state.parameters.b[1], state.memory[1]
    x = rule.run(state, shown.x[:8]).h[1]
    expected = np.zeros((8, len(W)), bool)
    for n, unit in np.ndindex(*expected.shape):
        unit_vector, input_vector = np.array([*W[unit], b[unit]]), np.array([*x[n], 1])
        for table in range(4):
            bits = range(3 * table, 3 * table + 3)
            if all((planes[:, bit] @ unit_vector > 0) == (planes[:, bit] @ input_vector > 0) for bit in bits):
                expected[n, unit] = True
    np.testing.assert_array_equal(rule.active(state, 1, x), expected)
    assert 0.2 < expected.mean() < 0.8


def test_its_gradient_is_that_of_the_network_with_its_silent_units():
    rule, state, shown = hashed(bits=2, tables=2)

    def loss():
        return state.network.output.loss(rule.outputs(state, shown.x), shown.target).mean()

    expected = numerical_gradient(loss, state.parameters.flat, 1e-6)
    found = rule.gradients(state, shown, rng()).flat
    np.testing.assert_allclose(found, expected, atol=1e-7)
    assert loss() != mean_loss(state.network, state.parameters, shown)


def test_more_bits_make_fewer_active_and_silent_units_send_nothing():
    shares = []
    for bits in (0, 2, 4, 8):
        rule, state, shown = hashed(bits=bits)
        shares.append(rule.shares(state, shown.x)[0])
        h = rule.run(state, shown.x).h
        assert not h[1][~rule.active(state, 0, shown.x)].any()
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == 1
    assert shares[3] < 0.2
