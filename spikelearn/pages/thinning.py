"""Fewer points that look the same: of a curve its extremes, of a raster one spike in each small cell."""

import numpy as np

BINS = 2000  # along the time axis: about two for each pixel of a wide window
SPIKES = 30_000  # in a raster: with more, neurons are left out


def extremes(values: np.ndarray, n_bins: int = BINS) -> np.ndarray:
    """Choose the samples of a curve that a plot needs: the lowest and the highest of each bin, the first and the last.

    Parameters
    ----------
    values : (n,) float array
        Samples in the order of time. A NaN stands for the extremes of its bin, so that a gap is seen.
    n_bins : int
        Bins of equal numbers of samples; the last one may have fewer.

    Returns
    -------
    (m,) int64 array
        Ascending; all samples where there are at most two for each bin, else at most ``2 n_bins + 2``.
    """
    n = len(values)
    if n <= 2 * n_bins:
        return np.arange(n)
    size = -(-n // n_bins)
    padded = np.concatenate([values, np.full(-n % size, values[-1])]).reshape(-1, size)
    first = np.arange(len(padded)) * size
    chosen = [first + padded.argmin(axis=1), first + padded.argmax(axis=1), [0, n - 1]]
    return np.unique(np.minimum(np.concatenate(chosen), n - 1))


def distinct(neuron: np.ndarray, time: np.ndarray, start: float, stop: float) -> np.ndarray:
    """Choose the spikes that a raster needs: all up to `SPIKES`, else of each neuron one in each of `BINS` stretches.

    If these are still more than `SPIKES`, of every 2nd neuron only, or every 3rd, and so on.

    Parameters
    ----------
    neuron : (n,) int array
    time : (n,) float array
        ms, within the ends of the time axis.
    start, stop : float
        These ends, ms.

    Returns
    -------
    (m,) int64 array
        Ascending.
    """
    if len(time) <= SPIKES:
        return np.arange(len(time))
    cell = np.floor((time - start) / (stop - start) * BINS).astype(np.int64)
    kept = np.unique(neuron * (BINS + 1) + cell, return_index=True)[1]
    every = -(-len(kept) // SPIKES)
    if every > 1:
        kept = kept[np.isin(neuron[kept], np.unique(neuron)[::every])]
    return np.sort(kept)
