"""UORO and KF-RTRL: one step is the formula, and the mean over their draws is the gradient."""

import numpy as np
import pytest

from spikelearn.temporal import rules
from spikelearn.temporal.learning import walk
from spikelearn.temporal.task import Sequences
from temporal.helpers import NETWORKS, blame, sequences, state_of, trajectory

NETWORK = NETWORKS["leaky"]
BOTH = pytest.mark.parametrize("rule", [rules.UORO(), rules.KFRTRL()], ids=repr)
STEPS = 8


def copies(shown, n):
    """The same sequence n times side by side: each copy has draws of its own."""
    return Sequences(np.repeat(shown.x, n, axis=1), np.repeat(shown.target, n, axis=1), shown.scored)


def estimates(rule, n, seed=0):
    """The last loss's gradient of each of n independent draws, (n, units, senders), and the exact one."""
    one = sequences(NETWORK, STEPS, batch=1, unscored=range(STEPS - 1))
    state, single = state_of(NETWORK, rule), state_of(NETWORK, rule)
    exact = blame(NETWORK, single.weights, one).sum(axis=(0, 1))
    for _ in walk(rule, state, copies(one, n), np.random.default_rng(seed)):
        pass
    q = trajectory(NETWORK, single.weights, one)[1][-1][0]
    A, B = state.memory
    if isinstance(rule, rules.UORO):
        return (A @ q)[:, None, None] * B, exact
    return np.einsum("k,bki,bj->bij", q, B, A), exact


@BOTH
def test_the_mean_over_draws_is_the_gradient_within_its_standard_error(rule):
    n = 10_000
    found, exact = estimates(rule, n)
    assert np.linalg.norm(exact) > 0.01
    error = found.mean(axis=0) - exact
    standard = found.std(axis=0, ddof=1) / np.sqrt(n)
    # of 45 correlated numbers about a third lie beyond one standard error, one in 16,000 beyond four
    assert (np.abs(error) < 4 * standard).all()
    assert np.sqrt(np.mean((error / standard) ** 2)) < 2


@BOTH
def test_the_error_of_the_mean_falls_as_the_root_of_the_number_of_draws(rule):
    found, exact = estimates(rule, 12_800)
    sizes = np.array([2, 8, 32, 128])
    errors = [
        np.sqrt(np.mean([np.sum((part.mean(axis=0) - exact) ** 2) for part in np.split(found, 12_800 // n)]))
        for n in sizes
    ]
    assert np.polyfit(np.log(sizes), np.log(errors), 1)[0] == pytest.approx(-0.5, abs=0.1)


def test_kronecker_factors_are_less_noisy():
    spread = {type(rule): estimates(rule, 2000)[0].std() for rule in (rules.UORO(), rules.KFRTRL())}
    assert spread[rules.KFRTRL] < 0.7 * spread[rules.UORO]


class Signs:
    """A generator that gives the signs it was given."""

    def __init__(self, *signs):
        self.signs = list(signs)

    def integers(self, low, high, shape):
        return (np.reshape(self.signs.pop(0), shape) + 1) // 2


def test_one_step_of_uoro_is_its_equation():
    rule, state = rules.UORO(), state_of(NETWORK, rules.UORO())
    n, m = state.weights.recurrent.shape
    rng = np.random.default_rng(3)
    A, B, nu = rng.standard_normal(n), rng.standard_normal((n, m)), np.array([1, -1, -1, 1, -1])
    step = NETWORK.advance(state.weights, rng.standard_normal((1, n)), rng.standard_normal((1, 3)))
    state.memory = A[None].copy(), B[None].copy()
    error = np.array([[0.4, -0.4]])
    assert rule.step(state, step, error, Signs(nu))
    J = np.diag(step.slope[0]) @ state.weights.units + 0.7 * np.eye(n)
    own = np.zeros((n, m))
    for i in range(n):
        own[i] = nu[i] * step.slope[0, i] * step.senders[0]
    rho0 = np.sqrt(np.linalg.norm(B) / np.linalg.norm(J @ A))
    rho1 = np.sqrt(np.linalg.norm(own) / np.linalg.norm(nu))
    A, B = rho0 * J @ A + rho1 * nu, B / rho0 + own / rho1
    np.testing.assert_allclose(state.memory[0][0], A, rtol=1e-12)
    np.testing.assert_allclose(state.memory[1][0], B, rtol=1e-12)
    np.testing.assert_allclose(state.gradient.recurrent, (error[0] @ state.weights.outward @ A) * B, rtol=1e-12)


def test_one_step_of_kf_rtrl_is_its_equation():
    rule, state = rules.KFRTRL(), state_of(NETWORK, rules.KFRTRL())
    n, m = state.weights.recurrent.shape
    rng = np.random.default_rng(3)
    A, B = rng.standard_normal(m), rng.standard_normal((n, n))
    step = NETWORK.advance(state.weights, rng.standard_normal((1, n)), rng.standard_normal((1, 3)))
    state.memory = A[None].copy(), B[None].copy()
    error = np.array([[0.4, -0.4]])
    assert rule.step(state, step, error, Signs([1, -1]))
    J = np.diag(step.slope[0]) @ state.weights.units + 0.7 * np.eye(n)
    rho0 = np.sqrt(np.linalg.norm(J @ B) / np.linalg.norm(A))
    rho1 = np.sqrt(np.linalg.norm(step.slope) / np.linalg.norm(step.senders))
    A, B = rho0 * A - rho1 * step.senders[0], J @ B / rho0 - np.diag(step.slope[0]) / rho1
    np.testing.assert_allclose(state.memory[0][0], A, rtol=1e-12)
    np.testing.assert_allclose(state.memory[1][0], B, rtol=1e-12)
    expected = np.outer(error[0] @ state.weights.outward @ B, A)
    np.testing.assert_allclose(state.gradient.recurrent, expected, rtol=1e-12)
