"""Jacobians against finite differences of the functions themselves; the eigenvalue where it is known."""

import numpy as np
import pytest
from scipy.special import logit

from spikelearn import analysis
from spikelearn.errors import InputError
from spikelearn.units import Hz

N_OUT, N_HIDDEN, GAIN, RATE = 4, 9, 6 / 7, 200 * Hz


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def draw(seed=0, examples=5):
    """Return rates of the hidden layer, forward weights, biases, feedback weights."""
    rng = np.random.default_rng(seed)
    return (
        RATE * rng.random((examples, N_HIDDEN)),
        8 * rng.normal(size=(N_OUT, N_HIDDEN)),
        rng.normal(size=N_OUT),
        8 * rng.normal(size=(N_HIDDEN, N_OUT)),
    )


def way_up(x, w, b, rate_max=RATE):
    """beta(x): output rates, given hidden rates."""
    return rate_max * sigmoid(GAIN * (w @ x + b))


def way_down(x, y):
    """gamma(x): plateau potentials, given output rates."""
    return sigmoid(y @ x)


def differences(function, x, h):
    """Return the Jacobian of a function at `x`, by central differences."""
    columns = [(function(x + h * e) - function(x - h * e)) / (2 * h) for e in np.eye(len(x))]
    return np.stack(columns, axis=-1)


def test_the_output_jacobian_is_the_derivative_of_the_way_up():
    x, w, b, _ = draw()
    found = analysis.output_jacobian(GAIN * (x @ w.T + b), w, dendrite_gain=GAIN, rate_max=RATE)
    for example, rates in enumerate(x):
        slow = differences(lambda r: way_up(r, w, b), rates, h=1e-5)
        np.testing.assert_allclose(found[example], slow, rtol=1e-6, atol=1e-9)


def test_the_feedback_jacobian_is_the_derivative_of_the_way_down():
    x, w, b, y = draw()
    found = analysis.feedback_jacobian(GAIN * (x @ w.T + b), y, rate_max=RATE)
    for example, rates in enumerate(x):
        slow = differences(lambda r: way_down(r, y), way_up(rates, w, b), h=1e-5)
        np.testing.assert_allclose(found[example], slow, rtol=1e-6, atol=1e-9)


def test_the_round_trip_of_a_small_output_error_is_the_product_of_both():
    # The theorem itself: add the difference of plateau potentials to the hidden rates, and look at the output.
    x, w, b, y = draw()
    v = GAIN * (x @ w.T + b)
    u = analysis.products(*jacobians(v, w, y))
    e = 1e-7 * np.random.default_rng(1).normal(size=N_OUT)
    for example, rates in enumerate(x):
        output = way_up(rates, w, b)
        target = rates + way_down(output + e, y) - way_down(output, y)
        np.testing.assert_allclose(way_up(target, w, b) - output, u[example] @ e, rtol=1e-3)


def jacobians(v, w, y, rate_max=RATE):
    return (
        analysis.output_jacobian(v, w, dendrite_gain=GAIN, rate_max=rate_max),
        analysis.feedback_jacobian(v, y, rate_max=rate_max),
    )


def test_mean_of_products_and_product_of_means_are_those_of_loops():
    x, w, b, y = draw(examples=7)
    up, down = jacobians(GAIN * (x @ w.T + b), w, y)
    u = analysis.products(up, down)
    for k in range(7):
        np.testing.assert_allclose(u[k], [[sum(row * column) for column in down[k].T] for row in up[k]])
    np.testing.assert_allclose(analysis.product_of_means(up, down), (sum(up) / 7) @ (sum(down) / 7))
    assert not np.allclose(u.mean(axis=0), analysis.product_of_means(up, down), rtol=0.01)


def test_for_one_example_both_are_the_same():
    x, w, b, y = draw(examples=1)
    up, down = jacobians(GAIN * (x @ w.T + b), w, y)
    np.testing.assert_allclose(analysis.products(up, down)[0], analysis.product_of_means(up, down))


def test_feedback_that_inverts_the_way_up_makes_the_eigenvalue_0():
    # The slopes of the way down are set to 1 by hand: no Y could undo both sigmoids in every direction otherwise.
    x, w, b, _ = draw(examples=1)
    up = analysis.output_jacobian(GAIN * (x @ w.T + b), w, dendrite_gain=GAIN, rate_max=RATE)
    u = analysis.products(up, np.linalg.pinv(up[0])[None])[0]
    assert analysis.contraction(u) == pytest.approx(0, abs=1e-20)
    assert analysis.mean_diagonal(u) == pytest.approx(1)


def test_a_linear_inverse_makes_the_eigenvalue_of_the_weights_0():
    _, w, _, _ = draw()
    u = analysis.weight_product(w, np.linalg.pinv(GAIN * w), dendrite_gain=GAIN)
    np.testing.assert_allclose(u, np.eye(N_OUT), atol=1e-12)
    assert analysis.contraction(u) == pytest.approx(0, abs=1e-20)


def test_the_product_of_weights_is_that_of_a_loop():
    _, w, _, y = draw()
    slow = [[GAIN * sum(w[i, k] * y[k, j] for k in range(N_HIDDEN)) for j in range(N_OUT)] for i in range(N_OUT)]
    np.testing.assert_allclose(analysis.weight_product(w, y, dendrite_gain=GAIN), slow)


def test_the_eigenvalue_is_the_largest_growth_of_a_squared_error():
    u = np.random.default_rng(0).normal(size=(3, 5, 5))
    found = analysis.contraction(u)
    for matrix, mu in zip(u, found, strict=True):
        e = np.ones(5)
        for _ in range(5000):  # power iteration
            e = (np.eye(5) - matrix).T @ (np.eye(5) - matrix) @ e
            e /= np.linalg.norm(e)
        assert np.linalg.norm((np.eye(5) - matrix) @ e) ** 2 == pytest.approx(mu, rel=1e-6)


@pytest.mark.parametrize(("scale", "expected"), [(0.0, 1.0), (1.0, 0.0), (0.5, 0.25), (2.0, 1.0), (-1.0, 4.0)])
def test_the_eigenvalue_of_a_multiple_of_the_identity_is_known(scale, expected):
    assert analysis.contraction(scale * np.eye(10)) == pytest.approx(expected)
    assert analysis.mean_diagonal(scale * np.eye(10)) == pytest.approx(scale)


def test_in_hz_the_eigenvalue_would_be_wrong():
    # The same network in both units: in Hz, rates are a thousand times as large, weights a thousandth.
    x, w, b, y = draw()
    v = GAIN * (x @ w.T + b)
    up, down = jacobians(v, w, y)
    up_hz = (200 * sigmoid(v) * sigmoid(-v))[:, :, None] * GAIN * w / 1000
    plateau = (200 * sigmoid(v)) @ (y / 1000).T
    down_hz = (sigmoid(plateau) * sigmoid(-plateau))[:, :, None] * y / 1000
    np.testing.assert_allclose(up_hz, up)  # rate per rate
    np.testing.assert_allclose(down_hz, down / 1000)  # plateau potential per rate
    u = analysis.products(up, down).mean(axis=0)
    np.testing.assert_allclose(analysis.products(up_hz, down_hz).mean(axis=0), u / 1000)
    assert abs(analysis.contraction(u) - 1) > 0.2
    assert analysis.contraction(u / 1000) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("v", [800.0, -800.0])
def test_outputs_in_saturation_have_no_slope_and_make_no_noise(v):
    up, down = jacobians(np.full((1, N_OUT), v), *draw()[1::2])
    assert (up == 0).all()
    assert np.isfinite(down).all()


def test_slopes_keep_their_digits_far_from_the_middle():
    v = np.array([[30.0, 40.0, -40.0, float(logit(0.25))]])
    up = analysis.output_jacobian(v, np.ones((N_OUT, 1)), dendrite_gain=1, rate_max=1)
    np.testing.assert_allclose(up[0, :, 0], [np.exp(-30), np.exp(-40), np.exp(-40), 0.1875], rtol=1e-12)


V, W, Y = np.zeros((5, N_OUT)), np.ones((N_OUT, N_HIDDEN)), np.ones((N_HIDDEN, N_OUT))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: jacobians(V, W, Y, rate_max=200), "rate_max=200 must be a finite number > 0 and <= 10 spikes/ms"),
        (lambda: analysis.feedback_jacobian(V, Y, rate_max=200.0), "write 200 * Hz"),
        (lambda: jacobians(V, W.T, Y), "v_output has 4 outputs, w has 9"),
        (lambda: analysis.feedback_jacobian(V, Y.T, rate_max=RATE), "v_output has 4 outputs, y has 9"),
        (lambda: jacobians(V[0], W, Y), "v_output of shape (4,) must be of shape (examples, outputs)"),
        (lambda: jacobians(V * np.nan, W, Y), "v_output is nan at (0, 0)"),
        (lambda: analysis.output_jacobian(V, W, dendrite_gain=1.2, rate_max=RATE), "dendrite_gain=1.2"),
        (lambda: analysis.weight_product(W, W, dendrite_gain=1), "must be the same hidden neurons"),
        (lambda: analysis.products(W[None], W[None]), "must be the same hidden neurons"),
        (lambda: analysis.products(W[None], np.ones((2, N_HIDDEN, N_OUT))), "numbers of examples differ"),
        (lambda: analysis.products(W[None], Y[None, :, :2]), "j_beta has 4 outputs, j_gamma 2"),
        (lambda: analysis.contraction(W), "u of shape (4, 9) must be square"),
        (lambda: analysis.contraction(np.full((2, 2), np.inf)), "u holds numbers that are not finite"),
        (lambda: analysis.mean_diagonal(np.ones(3)), "u of shape (3,) must be square"),
    ],
)
def test_what_is_not_a_network_in_spikes_per_ms_is_refused(call, message):
    with pytest.raises(InputError) as info:
        call()
    assert message in str(info.value)
