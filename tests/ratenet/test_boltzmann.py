"""Contrastive divergence against every state of a small machine."""

from itertools import product

import numpy as np
import pytest

from ratenet.helpers import degrees, numerical_gradient
from spikelearn.ratenet.boltzmann import Machine, contrastive_divergence, sample

VISIBLE, HIDDEN = 4, 3
V = np.array(list(product((0.0, 1.0), repeat=VISIBLE)))
H = np.array(list(product((0.0, 1.0), repeat=HIDDEN)))


def machine(scale=1.0):
    rng = np.random.default_rng(0)
    return Machine(
        W=scale * rng.standard_normal((HIDDEN, VISIBLE)),
        visible=scale * rng.standard_normal(VISIBLE),
        hidden=scale * rng.standard_normal(HIDDEN),
    )


def weights_of_states(m):
    """Return exp(-E) for all pairs of a visible and a hidden state, (16, 8)."""
    return np.exp(V @ m.W.T @ H.T + (V @ m.visible)[:, None] + H @ m.hidden)


def probability(m):
    """Return the exact probability of each visible state."""
    weight = weights_of_states(m).sum(axis=1)
    return weight / weight.sum()


def data(n=40_000):
    """Images with a probability of their own."""
    rng = np.random.default_rng(1)
    p = rng.random(16)
    return V[rng.choice(16, n, p=p / p.sum())]


def exact_gradient(m, v):
    """The gradient of the mean log-likelihood of the rows of `v`, by differences of the enumerated probability."""
    index = (v @ [8, 4, 2, 1]).astype(int)

    def likelihood():
        return np.log(probability(m))[index].mean()

    return [numerical_gradient(likelihood, array.reshape(-1)) for array in (m.W, m.visible, m.hidden)]


def flat(m):
    return np.concatenate([m.W.reshape(-1), m.visible, m.hidden])


def test_conditional_probabilities_are_those_of_the_energy():
    m = machine()
    joint = weights_of_states(m)
    for state, row in zip(V, joint, strict=True):
        np.testing.assert_allclose(m.up(state[None])[0], (row @ H) / row.sum(), rtol=1e-12)
    for state, column in zip(H, joint.T, strict=True):
        np.testing.assert_allclose(m.down(state[None])[0], (column @ V) / column.sum(), rtol=1e-12)


def test_with_many_steps_contrastive_divergence_is_the_gradient_of_the_likelihood():
    m, v = machine(0.5), data()
    exact = np.concatenate(exact_gradient(m, v[:2000]))
    found = flat(contrastive_divergence(m, np.repeat(v[:2000], 20, axis=0), 50, np.random.default_rng(2), sample))
    assert np.abs(found - exact).max() < 5 * 0.7 / 200  # five standard errors of 40,000 differences of two samples
    assert degrees(found, exact) < 3


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_one_step_is_already_uphill(seed):
    m, v = machine(), data(4000)
    exact = np.concatenate(exact_gradient(m, v))
    assert degrees(flat(contrastive_divergence(m, v, 1, np.random.default_rng(seed))), exact) < 45


def test_at_the_data_of_the_model_itself_nothing_changes_on_average():
    m = machine(0.5)
    v = V[np.random.default_rng(3).choice(16, 100_000, p=probability(m))]
    found = flat(contrastive_divergence(m, v, 1, np.random.default_rng(4), sample))
    assert np.abs(found).max() < 5 * 0.7 / 100_000**0.5


def test_a_sample_is_0_or_1_with_the_probability_given():
    p = np.full((20_000, 2), [0.2, 0.9])
    drawn = sample(p, np.random.default_rng(0))
    assert set(np.unique(drawn)) == {0.0, 1.0}
    np.testing.assert_allclose(drawn.mean(axis=0), [0.2, 0.9], atol=0.015)
