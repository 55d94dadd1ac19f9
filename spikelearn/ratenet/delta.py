"""The products of the delta rule on arrays: errors sent down, and gradients; and feedback weights to draw."""

from collections.abc import Sequence

import numpy as np

from spikelearn.ratenet.connections import Connection
from spikelearn.ratenet.network import RateNetwork
from spikelearn.ratenet.parameters import Parameters


def send_back(
    connections: Sequence[Connection],
    error: np.ndarray,
    feedback: Sequence[np.ndarray],
    slope: Sequence[np.ndarray],
) -> list[np.ndarray]:
    """Return the errors of all layers: each is the one above times feedback weights, times the slope.

    Parameters
    ----------
    connections : sequence of Connection
        How each layer receives the one below, lowest first; feedback goes the other way.
    error : (n, outputs) array
        Errors of the outputs.
    feedback : sequence of (units, units of the layer above) arrays
        Feedback weights into each hidden layer, lowest first; from a local layer of the shape of its own weights.
    slope : sequence of (n, units) arrays
        Derivatives of the activities of each hidden layer, lowest first.

    Returns
    -------
    list of (n, units) arrays
        Errors of each layer with weights, output last.
    """
    errors = [error]
    for connection, Y, own in zip(reversed(connections[1:]), reversed(feedback), reversed(slope), strict=True):
        below = connection.reverse.send(Y, errors[-1])
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
        gradient.connections[layer].correlate(share, h[layer], W)
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
        One for each hidden layer, lowest first; from a local layer of the shape of its own weights.
    """
    return [connection.reverse.draw(rng).astype(network.dtype) for connection in network.connections[1:]]


def turned(parameters: Parameters) -> list[np.ndarray]:
    """Return the forward weights as feedback weights, with which errors come back as in backpropagation.

    Parameters
    ----------
    parameters : Parameters
        Weights of a network.

    Returns
    -------
    list of (units, units of the layer above) arrays
        One for each hidden layer, lowest first: the weights of the layer above, transposed; of a local one as they are.
    """
    pairs = zip(parameters.connections[1:], parameters.W[1:], strict=True)
    return [connection.turn(W) for connection, W in pairs]
