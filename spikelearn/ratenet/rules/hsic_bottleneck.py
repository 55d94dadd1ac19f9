r"""HSIC bottleneck: each hidden layer depends as much on the labels, and as little on the input, as it can.

.. math::
    \text{minimise } nHSIC(Z_l, X) - \beta\, nHSIC(Z_l, Y) \text{ for each layer alone} \\
    K_{pq} = \exp(-\|z_p - z_q\|^2 / (2 \sigma^2 d)),\quad R_Z = K_Z H (K_Z H + \epsilon m I)^{-1},\quad
    nHSIC(Z, Y) = \mathrm{tr}(R_Z R_Y)

No error passes between layers. There are m examples of dimension d, and ``H = I - 1 1^T / m``. With
``M = (K H + eps m I)^-1``, the gradient is

.. math::
    G = \epsilon m (M R_Y M)^T H,\quad A = (G + G^T) \circ K,\quad
    \frac{d\, nHSIC}{dZ} = -\frac{1}{\sigma^2 d} \left[ \mathrm{diag}(A 1) Z - A Z \right]

``nHSIC`` is linear in its second argument, so both terms take one gradient. The output layer is a softmax on top
that learns by the delta rule ("format training"), here at the same time as the rest instead of afterwards.

Source: Ma, Lewis & Kleijn, AAAI 2020, arXiv:1908.01580; sigma, beta and the scaling by d are those of the authors'
code. It normalises activities by batch; here tanh units keep them in range.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikelearn.errors import check_range
from spikelearn.ratenet.delta_rule import DeltaRule
from spikelearn.ratenet.network import Activity, RateNetwork
from spikelearn.ratenet.rule import State
from spikelearn.ratenet.shared import need_deterministic_hidden

EPSILON = 1e-5  # of the normalisation, as in the authors' code


def kernel(z: np.ndarray, sigma: float) -> np.ndarray:
    """Return the Gaussian kernel between the rows of an (m, d) array; (m, m) float64."""
    z = np.asarray(z, np.float64)
    square = np.einsum("ij,ij->i", z, z)
    distance = np.maximum(square[:, None] + square - 2 * (z @ z.T), 0)
    return np.exp(-distance / (2 * sigma**2 * z.shape[1]))


def normalised(k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return R and M of an (m, m) kernel."""
    m = len(k)
    centred = k - k.mean(axis=1, keepdims=True)
    inverse = np.linalg.inv(centred + EPSILON * m * np.eye(m))
    return centred @ inverse, inverse


def nhsic(z: np.ndarray, other: np.ndarray, sigma: float) -> float:
    """Return the normalised dependence between the rows of `z` and what `other` is the R of."""
    return float(np.einsum("ij,ji->", normalised(kernel(z, sigma))[0], other))


def nhsic_gradient(z: np.ndarray, other: np.ndarray, sigma: float) -> np.ndarray:
    """Return the gradient of `nhsic` with respect to `z`; (m, d) float64."""
    z = np.asarray(z, np.float64)
    k = kernel(z, sigma)
    _, inverse = normalised(k)
    g = EPSILON * len(z) * (inverse @ other @ inverse).T
    g -= g.mean(axis=1, keepdims=True)
    a = (g + g.T) * k
    return -(a.sum(axis=1, keepdims=True) * z - a @ z) / (sigma**2 * z.shape[1])


@dataclass(frozen=True, kw_only=True)
class HSICBottleneck(DeltaRule):
    """The HSIC bottleneck with a softmax on top.

    Parameters
    ----------
    sigma : float
        Width of all kernels, in units of the root of the dimension.
    beta : float
        Weight of the labels against the input.
    """

    batch: int = 256
    sigma: float = 5.0
    beta: float = 50.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("HSICBottleneck.sigma", self.sigma, above=0)
        check_range("HSICBottleneck.beta", self.beta, at_least=0)

    def check(self, network: RateNetwork) -> None:
        """Raise `InputError` for a network without hidden layers, or with units that draw."""
        need_deterministic_hidden(self, network)

    def errors(
        self, state: State, activity: Activity, target: np.ndarray, rng: np.random.Generator
    ) -> Sequence[np.ndarray | None]:
        """Return the gradient of each layer's own objective, and the output's error."""
        from_input = normalised(kernel(activity.h[0], self.sigma))[0]
        from_labels = normalised(kernel(target, self.sigma))[0]
        wanted = from_input - self.beta * from_labels
        errors = []
        for z, slope in zip(activity.h[1:-1], activity.slope, strict=True):
            # The objective is one number for the minibatch, not a mean over its examples.
            gradient = len(z) * nhsic_gradient(z, wanted, self.sigma)
            errors.append(gradient.astype(z.dtype) * slope)
        return [*errors, self.output_error(state.network, activity, target)]
