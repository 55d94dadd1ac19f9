"""The products of the delta rule on arrays: errors sent down, and gradients; and feedback weights to draw."""

from collections.abc import Sequence

import numpy as np

from spikelearn.ratenet.network import RateNetwork, glorot
from spikelearn.ratenet.parameters import Parameters


def send_back(error: np.ndarray, feedback: Sequence[np.ndarray], slope: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the errors of all layers: each is the one above times feedback weights, times the slope.

    Parameters
    ----------
    error : (n, outputs) array
        Errors of the outputs.
    feedback : sequence of (units, units of the layer above) arrays
        Feedback weights into each hidden layer, lowest first.
    slope : sequence of (n, units) arrays
        Derivatives of the activities of each hidden layer, lowest first.

    Returns
    -------
    list of (n, units) arrays
        Errors of each layer with weights, output last.
    """
    errors = [error]
    for Y, own in zip(reversed(feedback), reversed(slope), strict=True):
        below = errors[-1] @ Y.T
        below *= own
        errors.append(below)
    return errors[::-1]


def outer_means(gradient: Parameters, errors: Sequence[np.ndarray | None], h: Sequence[np.ndarray]) -> Parameters:
    """Overwrite `gradient` with the means over rows of error times presynaptic activity.

    Parameters
    ----------
    gradient : Parameters
        Where to write.
    errors : sequence of (n, post) arrays or None
        Errors of each layer with weights; the gradient is zero where None.
    h : sequence of (n, pre) arrays
        Activity that each layer receives.

    Returns
    -------
    `Parameters`
        The `gradient` given.
    """
    for layer, error in enumerate(errors):
        W, b = gradient.W[layer], gradient.b[layer]
        if error is None:
            W[:] = 0
            b[:] = 0
            continue
        # The division is on the small factor: dividing the product would be one more pass over the large one.
        share = error / len(error)
        np.matmul(share.T, h[layer], out=W)
        share.sum(axis=0, out=b)
    return gradient


def draw_feedback(network: RateNetwork, rng: np.random.Generator) -> list[np.ndarray]:
    """Draw feedback weights into each hidden layer from the layer above, distributed as the forward weights are.

    Parameters
    ----------
    network : RateNetwork
        The network to send errors through.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    list of (units, units of the layer above) arrays
        One for each hidden layer, lowest first.
    """
    return [glorot((pre, post), rng).astype(network.dtype) for post, pre in network.shapes[1:]]
