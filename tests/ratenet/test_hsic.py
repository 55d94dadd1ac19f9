"""The HSIC bottleneck's kernel algebra."""

import numpy as np
import pytest

from ratenet.helpers import numerical_gradient
from spikelearn.ratenet.rules.hsic_bottleneck import EPSILON, kernel, nhsic, nhsic_gradient, normalised


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape)


@pytest.mark.parametrize(("width", "sigma"), [(3, 1.0), (3, 5.0), (40, 5.0)])
def test_the_gradient_is_that_of_nhsic(width, sigma):
    z, labels = normal(12, width), np.eye(4)[np.arange(12) % 4]
    wanted = normalised(kernel(normal(12, 6), sigma))[0] - 7 * normalised(kernel(labels, sigma))[0]
    expected = numerical_gradient(lambda: nhsic(z, wanted, sigma), z.reshape(-1), 1e-3).reshape(z.shape)
    np.testing.assert_allclose(nhsic_gradient(z, wanted, sigma), expected, atol=2e-5 * np.abs(expected).max())


def test_the_kernel_is_the_gaussian_of_the_distance_per_dimension():
    z = normal(5, 3)
    k = kernel(z, 2.0)
    for p in range(5):
        for q in range(5):
            assert k[p, q] == pytest.approx(np.exp(-np.square(z[p] - z[q]).sum() / (2 * 4 * 3)))


def test_labels_depend_on_themselves_by_almost_the_number_of_classes_less_one():
    labels = np.eye(10)[np.arange(100) % 10]
    own = normalised(kernel(labels, 5.0))[0]
    assert 8 < nhsic(labels, own, 5.0) < 9


def test_dependence_is_larger_on_what_z_was_made_of_than_on_noise():
    labels = np.eye(3)[np.arange(60) % 3]
    wanted = normalised(kernel(labels, 5.0))[0]
    made = labels @ normal(3, 8) + 0.1 * normal(60, 8)
    assert nhsic(made, wanted, 5.0) > 1.5 * nhsic(normal(60, 8), wanted, 5.0)


def test_the_normalisation_is_the_published_one():
    k = kernel(normal(6, 2), 1.0)
    centring = np.eye(6) - 1 / 6
    expected = k @ centring @ np.linalg.inv(k @ centring + EPSILON * 6 * np.eye(6))
    np.testing.assert_allclose(normalised(k)[0], expected, atol=1e-9)
