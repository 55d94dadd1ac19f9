"""Do two networks find the same features? Best matches of receptive fields, against shuffled ones.

Guerguiev, Lillicrap & Richards 2017, figure 7C: for each hidden neuron of one network (local rule) the highest of the
correlations of its weights with those of all hidden neurons of another (backpropagation). It is signed: a field and its
negative do not match. The best of hundreds is well above 0 for meaningless fields too; how far, the shuffle says.

Two networks that start from the same weights match by that alone: use different seeds. And fields that share a
blank border, where no input ever came and weights are as they were drawn, differ in it by chance.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from spikelearn.analysis.inputs import numbers
from spikelearn.errors import InputError, check_range


class Match(NamedTuple):
    """Best matches of the neurons of one network among those of another.

    Parameters
    ----------
    r : (neurons,) float64 array
        Highest of Pearson's correlations; NaN for a neuron all of whose weights are equal.
    neuron : (neurons,) int64 array
        Which neuron of the other network that is; -1 where there is none.
    """

    r: np.ndarray
    neuron: np.ndarray


def best_match(w_a: ArrayLike, w_b: ArrayLike) -> Match:
    """Find for each receptive field of one network the most similar one of another.

    Parameters
    ----------
    w_a, w_b : (neurons, inputs) float arrays
        Forward weights; the number of neurons may differ. Neurons of `w_b` all of whose weights are equal match none.

    Returns
    -------
    Match
        For each neuron of `w_a` its best match in `w_b`.

    Raises
    ------
    InputError
        The numbers of inputs differ, or all fields of `w_b` are constant.
    """
    w_a, w_b = _pair(w_a, w_b)
    return _match(w_a, w_b)


def shuffled_match(w_a: ArrayLike, w_b: ArrayLike, seed: int) -> Match:
    """Match fields whose weights have been shuffled, each by a permutation of its own: what chance gives.

    Shuffling keeps the distribution of each field's weights and destroys where they are, smoothness included. So it
    is a low bar: fields that are merely smooth can beat it.

    Parameters
    ----------
    w_a, w_b : (neurons, inputs) float arrays
        As for `best_match`; `w_a` is shuffled.
    seed : int
        Fixes the permutations.

    Returns
    -------
    Match
        For each shuffled field of `w_a` its best match in `w_b`.

    Raises
    ------
    InputError
        The numbers of inputs differ, all fields of `w_b` are constant, or `seed` is negative.
    """
    w_a, w_b = _pair(w_a, w_b)
    check_range("seed", seed, at_least=0, integer=True)
    return _match(np.random.default_rng(seed).permuted(w_a, axis=1), w_b)


def _match(w_a: np.ndarray, w_b: np.ndarray) -> Match:
    # As a matrix product: the correlations of 500 with 500 fields of 784 inputs take milliseconds.
    a, b = _standardised(w_a), _standardised(w_b)
    r = np.clip(a @ b.T, -1, 1)
    r[:, np.isnan(b[:, 0])] = -np.inf
    neuron = r.argmax(axis=1)
    best = r[np.arange(len(r)), neuron]
    return Match(best, np.where(np.isnan(best), -1, neuron))


def _standardised(fields: np.ndarray) -> np.ndarray:
    """Return deviations from each field's mean at length 1; NaN for a field without any."""
    deviation = fields - fields.mean(axis=1, keepdims=True)
    deviation[np.ptp(fields, axis=1) == 0] = np.nan  # their mean may be off by a bit, and leave a direction
    return deviation / np.linalg.norm(deviation, axis=1, keepdims=True)


def _pair(w_a: ArrayLike, w_b: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    w_a, w_b = numbers("w_a", w_a, "neurons", "inputs"), numbers("w_b", w_b, "neurons", "inputs")
    if w_a.shape[1] != w_b.shape[1]:
        raise InputError(
            f"w_a has fields of {w_a.shape[1]} inputs, w_b of {w_b.shape[1]}; both networks must see the same images"
        )
    if (np.ptp(w_b, axis=1) == 0).all():
        raise InputError("w_b: the weights of every neuron are all equal, so nothing can correlate with them")
    return w_a, w_b
