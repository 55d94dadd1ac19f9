"""Do the losses of the hidden and the output layer go together? Correlation by category, against a shuffle.

Guerguiev, Lillicrap & Richards 2017, figure 5B and C: if hidden neurons receive useful targets, the examples on which
the hidden layer is far from its target are those on which the output is.

The shuffle re-pairs the hidden losses of a category with the output losses of other examples of the same category. So
what differs between categories, which would correlate without any credit being assigned, is in neither. (The paper
re-pairs "hidden-layer activity vectors" with outputs and does not say whether within a category.)

A positive correlation is less than it seems: plateau potentials are driven by the outputs, so an output far from its
target moves them, whatever the hidden layer has learned. Hidden layers trained by backpropagation, to which plateau
potentials mean nothing, show about as much (on digits 0.2 to 0.5). Compare with such a control.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from spikelearn.analysis.inputs import labels, numbers, same_length
from spikelearn.errors import check_range


class LossCorrelation(NamedTuple):
    """Correlation of two losses in each category; NaN where a category has fewer than 3 examples or a constant loss.

    Parameters
    ----------
    r : (classes,) float64 array
        Pearson's correlation.
    n : (classes,) int64 array
        Number of examples.
    shuffled_mean, shuffled_low, shuffled_high : (classes,) float64 arrays
        Mean, 2.5 % and 97.5 % quantile of the correlation over shuffles.
    p : (classes,) float64 array
        Two-sided p-value by the permutations: ``(1 + shuffles at least as far from 0) / (1 + shuffles)``. It cannot be
        smaller than ``1 / (1 + shuffles)``, and it is not corrected for the number of categories.
    """

    r: np.ndarray
    n: np.ndarray
    shuffled_mean: np.ndarray
    shuffled_low: np.ndarray
    shuffled_high: np.ndarray
    p: np.ndarray


class MeanLosses(NamedTuple):
    """Mean losses by category; NaN where there is no example.

    Parameters
    ----------
    mean : (classes, layers) float64 array
        Mean loss of each layer, in the unit of the losses given.
    n : (classes,) int64 array
        Number of examples.
    """

    mean: np.ndarray
    n: np.ndarray


def loss_correlation(
    hidden_loss: ArrayLike,
    output_loss: ArrayLike,
    label: ArrayLike,
    n_classes: int,
    seed: int,
    n_shuffles: int = 1000,
) -> LossCorrelation:
    """Correlate hidden and output losses over the examples of each category.

    Parameters
    ----------
    hidden_loss : (examples,) float array
        L0: sum of squared differences of plateau potentials (equation 32); `Chunk.loss[:, 0]`.
    output_loss : (examples,) float array
        L1: of rates, (spikes/ms)^2 (equation 23); `Chunk.loss[:, -1]`. Units do not matter to a correlation.
    label : (examples,) int array
        Category of each example.
    n_classes : int
        Number of categories.
    seed : int
        Fixes the shuffles. A category's are the same whatever the others hold.
    n_shuffles : int
        Number of shuffles.

    Returns
    -------
    LossCorrelation
        Correlation in each category, and those of the shuffles.

    Raises
    ------
    InputError
        Lengths differ, a loss is not finite, or a label is not below `n_classes`.
    """
    hidden = numbers("hidden_loss", hidden_loss, "examples")
    output = numbers("output_loss", output_loss, "examples")
    same_length("examples", hidden_loss=hidden, output_loss=output)
    check_range("n_classes", n_classes, at_least=1, integer=True)
    label = labels("label", label, len(hidden), n_classes)
    check_range("seed", seed, at_least=0, integer=True)
    check_range("n_shuffles", n_shuffles, at_least=1, integer=True)
    result = np.full((5, n_classes), np.nan)
    streams = np.random.SeedSequence(seed).spawn(n_classes)
    for category, stream in enumerate(streams):
        own = label == category
        x, y = _standardised(hidden[own]), _standardised(output[own])
        if x is None or y is None:
            continue
        rng, r = np.random.default_rng(stream), x @ y
        shuffled = np.array([rng.permutation(x) @ y for _ in range(n_shuffles)])
        # Sums in another order differ in their last bits: a shuffle that is the same pairing counts as equal.
        extreme = np.sum(np.abs(shuffled) >= abs(r) - 1e-12)
        low, high = np.quantile(shuffled, [0.025, 0.975])
        result[:, category] = r, shuffled.mean(), low, high, (1 + extreme) / (1 + n_shuffles)
    r, mean, low, high, p = result
    return LossCorrelation(r, np.bincount(label, minlength=n_classes), mean, low, high, p)


def mean_losses(loss: ArrayLike, label: ArrayLike, n_classes: int) -> MeanLosses:
    """Average losses over the examples of each category.

    Parameters
    ----------
    loss : (examples, layers) float array
        Such as `Chunk.loss`: hidden layers first, the output last.
    label : (examples,) int array
        Category of each example.
    n_classes : int
        Number of categories.

    Returns
    -------
    MeanLosses
        Mean and number of examples of each category.

    Raises
    ------
    InputError
        Lengths differ, a loss is not finite, or a label is not below `n_classes`.
    """
    loss = numbers("loss", loss, "examples", "layers")
    check_range("n_classes", n_classes, at_least=1, integer=True)
    label = labels("label", label, len(loss), n_classes)
    n = np.bincount(label, minlength=n_classes)
    total = np.zeros((n_classes, loss.shape[1]))
    np.add.at(total, label, loss)
    with np.errstate(invalid="ignore"):
        return MeanLosses(total / n[:, None], n)


def _standardised(loss: np.ndarray) -> np.ndarray | None:
    """Return deviations from the mean at length 1, so that a product is a correlation; None where there is none."""
    if len(loss) < 3 or np.ptp(loss) == 0:
        return None
    loss = loss - loss.mean()
    return loss / np.linalg.norm(loss)
