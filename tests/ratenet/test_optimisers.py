"""Steps against the published formulas, written out naively."""

import numpy as np
import pytest

from spikelearn.errors import InputError
from spikelearn.ratenet import SGD, Adam
from spikelearn.ratenet.optimisers import BLOCK


@pytest.mark.parametrize("optimiser", [Adam(), Adam(rate=0.1, beta1=0.5, beta2=0.9, epsilon=1e-2)], ids=repr)
def test_adam_takes_the_papers_steps_across_blocks(optimiser):
    rng = np.random.default_rng(0)
    n = BLOCK + 3
    moments = optimiser.start(n, np.float64)
    m = v = np.zeros(n)
    for t in range(1, 6):
        gradient = rng.standard_normal(n)
        m = optimiser.beta1 * m + (1 - optimiser.beta1) * gradient
        v = optimiser.beta2 * v + (1 - optimiser.beta2) * gradient**2
        m_hat, v_hat = m / (1 - optimiser.beta1**t), v / (1 - optimiser.beta2**t)
        step = optimiser.steps(moments, gradient)
        expected = optimiser.rate * m_hat / (np.sqrt(v_hat) + optimiser.epsilon)
        np.testing.assert_allclose(step, expected, rtol=1e-12, atol=1e-16)  # m itself can cancel
        assert step is gradient  # in place


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_sums_gradients_with_momentum(momentum):
    optimiser = SGD(rate=0.5, momentum=momentum)
    moments = optimiser.start(2, np.float64)
    velocity = np.zeros(2)
    for gradient in np.random.default_rng(0).standard_normal((4, 2)):
        velocity = momentum * velocity + gradient
        np.testing.assert_allclose(optimiser.steps(moments, gradient.copy()), 0.5 * velocity)


@pytest.mark.parametrize("make", [lambda: SGD(rate=-1), lambda: Adam(beta1=1.0), lambda: Adam(epsilon=0.0)])
def test_numbers_out_of_range_are_refused(make):
    with pytest.raises(InputError, match="must be a finite number"):
        make()
