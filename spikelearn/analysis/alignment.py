"""Do forward weights come to agree with the fixed feedback weights? Angle and ratio of norms of W^T and Y.

In feedback alignment (Lillicrap et al. 2016) the way up turns towards the transpose of the way down, and random
feedback becomes useful because of it. An angle of 90 degrees is what independent weights of mean 0 have; 0 would be
symmetric feedback. With many weights chance keeps close to 90: its SD is ``57 / sqrt(number of weights)`` degrees.

Broadcast feedback leaps over layers. What it has to agree with is then the whole way from a hidden layer to the
output, the product of the weights above; slopes of the sigmoids on the way are left out.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from spikelearn.analysis.angles import angle
from spikelearn.analysis.inputs import check_product, numbers
from spikelearn.errors import InputError


class Alignment(NamedTuple):
    """Agreement of the way up and the way down.

    Parameters
    ----------
    degrees : float
        Angle between all weights up and all weights down, in degrees, 0 to 180; NaN if one of the two is zero.
    by_neuron : (hidden,) float64 array
        Degrees between a neuron's outgoing and its feedback weights; NaN where one of the two is zero.
    norm_ratio : float
        Norm of the weights up over norm of the weights down; NaN if both are zero, infinite if feedback is.
    """

    degrees: float
    by_neuron: np.ndarray
    norm_ratio: float


def alignment(w: ArrayLike, y: ArrayLike) -> Alignment:
    """Compare the weights from a hidden layer to the outputs with the feedback it receives from them.

    Parameters
    ----------
    w : (outputs, hidden) float array
        Forward weights, or their product over the layers above.
    y : (hidden, outputs) float array
        Feedback weights.

    Returns
    -------
    Alignment
        Angle between all weights, angle of each hidden neuron, and ratio of norms.

    Raises
    ------
    InputError
        `w` does not have the shape of the transpose of `y`.
    """
    w, y = numbers("w", w, "outputs", "hidden"), numbers("y", y, "hidden", "outputs")
    if w.shape != y.shape[::-1]:
        raise InputError(
            f"w of shape {w.shape} must be (outputs, hidden) and y of shape {y.shape} (hidden, outputs); "
            f"for a layer further down give the product of the weights above, or use alignments"
        )
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.linalg.norm(w) / np.linalg.norm(y)
    return Alignment(float(angle(w.T.reshape(1, -1), y.reshape(1, -1))[0]), angle(w.T, y), float(ratio))


def alignments(W: Sequence[ArrayLike], Y: Sequence[ArrayLike]) -> tuple[Alignment, ...]:
    """Compare the way up with the way down for each hidden layer of a network with broadcast feedback.

    Parameters
    ----------
    W : sequence of (post, pre) float arrays
        Forward weights of all layers, lowest first: `weights.W`.
    Y : sequence of (hidden, outputs) float arrays
        Feedback to each hidden layer, lowest first: `weights.Y`.

    Returns
    -------
    tuple of Alignment
        One for each hidden layer, lowest first.

    Raises
    ------
    InputError
        There is not one `Y` for each layer but the output, or shapes do not fit.
    """
    if len(W) != len(Y) + 1:
        raise InputError(f"{len(W)} W and {len(Y)} Y do not fit: there must be one Y for each layer but the output")
    return tuple(alignment(way_up(W, layer), y) for layer, y in enumerate(Y))


def way_up(W: Sequence[ArrayLike], layer: int) -> np.ndarray:
    """Return the product of the weights above a hidden layer.

    Parameters
    ----------
    W : sequence of (post, pre) float arrays
        Forward weights of all layers, lowest first.
    layer : int
        Hidden layer, from 0, the lowest; the result for the highest is the weights of the output layer.

    Returns
    -------
    (outputs, hidden) float64 array
        `W` of the layer above, multiplied by those of all layers further up.

    Raises
    ------
    InputError
        There is no such hidden layer, or shapes do not fit.
    """
    if not 0 <= layer < len(W) - 1:
        raise InputError(f"layer={layer} must be within 0..{len(W) - 2}, the hidden layers of {len(W)} W")
    product = numbers(f"W[{layer + 1}]", W[layer + 1], "post", "pre")
    for above in range(layer + 2, len(W)):
        w = numbers(f"W[{above}]", W[above], "post", "pre")
        check_product(f"W[{above}]", w, "the product of those below", product, "neurons")
        product = w @ product
    return product
