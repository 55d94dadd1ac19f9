"""Rate networks: their gradient is that of the loss, their random units have the mean they promise."""

from dataclasses import replace

import numpy as np
import pytest

from ratenet.helpers import batch, numerical_gradient, state_of
from spikelearn.errors import InputError
from spikelearn.ratenet import RateNetwork
from spikelearn.ratenet.activations import Clip, Identity, Logistic, Relu, Tanh
from spikelearn.ratenet.outputs import LinearOutput, LogisticOutput, Softmax, SquaredLogistic
from spikelearn.ratenet.rules import Backprop
from spikelearn.ratenet.streams import stream
from spikelearn.ratenet.units import Deterministic, Dropout, StochasticBinary

ACTIVATIONS = [Tanh(), Logistic(), Relu(), Clip(), Identity()]
OUTPUTS = [Softmax(), LogisticOutput(), LinearOutput(), SquaredLogistic()]


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("output", OUTPUTS, ids=repr)
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
@pytest.mark.parametrize("sizes", [(5, 4, 3), (5, 3), (4, 6, 5, 3)])
def test_backprop_is_the_gradient_of_the_mean_loss(sizes, activation, output):
    network = RateNetwork(sizes=sizes, activation=activation, output=output, dtype="float64")
    state = state_of(network, Backprop())
    shown = batch(network, 7)

    def loss():
        return output.loss(network.outputs(state.parameters, shown.x), shown.target).mean()

    expected = numerical_gradient(loss, state.parameters.flat)
    found = Backprop().gradients(state, shown, rng()).flat
    assert np.abs(found - expected).max() < 1e-6 * np.abs(expected).max()


@pytest.mark.parametrize("units", [Dropout(keep=0.6), StochasticBinary()], ids=repr)
def test_with_the_draws_held_dropout_descends_its_own_loss_and_binary_units_their_straight_through(units):
    network = RateNetwork(sizes=(5, 6, 3), activation=Logistic(), units=units, dtype="float64")
    state, shown = state_of(network, Backprop()), batch(network)
    found = Backprop().gradients(state, shown, stream(1, "x"))
    activity = network.forward(state.parameters, shown.x, stream(1, "x"))
    error = activity.h[-1] - shown.target
    mean = Logistic().apply(shown.x @ state.parameters.W[0].T + state.parameters.b[0])
    kept = 1.0 if isinstance(units, StochasticBinary) else activity.h[1] / mean
    hidden = (error @ state.parameters.W[1]) * mean * (1 - mean) * kept
    np.testing.assert_allclose(found.W[0], hidden.T @ shown.x / 5, rtol=1e-12)
    np.testing.assert_allclose(found.W[1], error.T @ activity.h[1] / 5, rtol=1e-12)


@pytest.mark.parametrize("units", [Dropout(keep=0.3), StochasticBinary(), Deterministic()], ids=repr)
def test_what_units_transmit_has_the_mean_that_the_test_uses(units):
    h = np.linspace(0.05, 0.95, 7) * np.ones((40_000, 1))
    sent, _ = units.transmit(h, h, rng())
    np.testing.assert_allclose(sent.mean(axis=0), units.mean(h)[0], atol=4 * 0.5 / 200)


def test_binary_units_send_0_or_1_and_dropout_the_activity_or_0():
    h = np.full((50, 4), 0.7)
    assert set(np.unique(StochasticBinary().transmit(h, h, rng())[0])) == {0.0, 1.0}
    sent, slope = Dropout(keep=0.5).transmit(h, 2 * h, rng())
    assert set(np.unique(sent)) == {0.0, 0.7}
    np.testing.assert_array_equal(slope, 2 * sent)  # silent units learn nothing


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_extreme_input_gives_finite_outputs_and_losses(dtype):
    a = np.array([[1e4, -1e4, 0.0]], dtype)
    for output in OUTPUTS:
        h = output.apply(a.copy())
        assert np.isfinite(output.loss(h, np.array([[0.0, 1.0, 0.0]], dtype))).all(), output
        assert h.dtype == dtype


def test_weights_have_glorots_variance_and_biases_are_zero():
    parameters = RateNetwork(sizes=(300, 200, 10)).draw(rng())
    assert parameters.W[0].var() == pytest.approx(2 / 500, rel=0.02)
    assert parameters.W[0].shape == (200, 300)
    assert not np.concatenate(parameters.b).any()


def test_parameters_are_views_of_one_array():
    parameters = RateNetwork(sizes=(3, 2, 2)).draw(rng())
    parameters.flat[:] = 5
    assert (parameters.W[1] == 5).all()
    assert (parameters.b[0] == 5).all()
    assert parameters.flat.size == 3 * 2 + 2 + 2 * 2 + 2
    other = parameters.copy()
    other.W[0][:] = 1
    assert (parameters.W[0] == 5).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sizes": (784,)}, "at least an input and an output"),
        ({"sizes": (784, 0, 10)}, "sizes=0 must be an integer >= 1"),
        ({"dtype": "float16"}, "must be 'float32' or 'float64'"),
        ({"units": StochasticBinary()}, "needs activities in 0..1; use Logistic"),
    ],
)
def test_what_makes_no_network_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        replace(RateNetwork(sizes=(4, 3)), **change)


def test_a_stream_is_a_function_of_seed_purpose_and_counters():
    first = stream(1, "order", 2).random(3)
    np.testing.assert_array_equal(first, stream(1, "order", 2).random(3))
    for other in (stream(2, "order", 2), stream(1, "weights", 2), stream(1, "order", 3), stream(1, "order")):
        assert not np.array_equal(first, other.random(3))
