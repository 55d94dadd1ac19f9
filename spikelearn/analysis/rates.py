"""How fast do neurons fire? Mean rates, their distribution, and how many neurons carry nothing.

A neuron that never fires and one that always fires at its maximum tell the layer above the same about every image, and
the slope of their sigmoid is small, so that they hardly learn.

Rates are in spikes/ms, as everywhere in the package; what is for reading is in Hz and says so in its name.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from spikelearn.analysis.inputs import numbers, same_length
from spikelearn.errors import InputError, check_range
from spikelearn.units import Hz


class RateDistribution(NamedTuple):
    """Distribution of the mean rates of neurons.

    Parameters
    ----------
    edges_hz : (bins + 1,) float64 array
        Edges of the bins, Hz: from 0 to the highest rate, or to `rate_max` if that is higher. Spike counts can exceed
        it by chance.
    counts : (bins,) int64 array
        Number of neurons in each bin.
    mean_hz, median_hz : float
        Mean and median over the neurons, Hz.
    silent : float
        Share of neurons without a spike, 0 to 1.
    saturated : float
        Share of neurons at 90 % of `rate_max` or above.
    """

    edges_hz: np.ndarray
    counts: np.ndarray
    mean_hz: float
    median_hz: float
    silent: float
    saturated: float


SATURATED = 0.9  # of rate_max: there the slope of the sigmoid is about a third of its highest


def rates_from_spikes(neuron: ArrayLike, time: ArrayLike, n_neurons: int, *, start: float, stop: float) -> np.ndarray:
    """Return the mean rate of each neuron in a window of a recording.

    Parameters
    ----------
    neuron : (spikes,) int array
        Which neuron fired, from 0.
    time : (spikes,) float array
        Time of each spike, ms, in any order. Spikes outside the window are left out.
    n_neurons : int
        Of the layer: silent ones count.
    start, stop : float
        Window, ms; `start` belongs to it, `stop` does not, so that windows side by side count a spike once.

    Returns
    -------
    (n_neurons,) float64 array
        Mean rates, spikes/ms.

    Raises
    ------
    InputError
        Shapes differ, a neuron does not exist, or the window is empty.
    """
    neuron, time = np.asarray(neuron), np.asarray(time)
    check_range("n_neurons", n_neurons, at_least=1, integer=True)
    check_range("start", start, unit="ms")
    check_range("stop", stop, above=start, unit="ms (after start)")
    if neuron.ndim != 1 or time.ndim != 1:
        raise InputError(f"neuron of shape {neuron.shape} and time of shape {time.shape} must be of shape (spikes,)")
    same_length("spikes", neuron=neuron, time=time)
    if len(neuron) == 0:  # a silent recording; an empty list has no integer type
        return np.zeros(n_neurons)
    if neuron.dtype.kind not in "iu":
        raise InputError(f"neuron of type {neuron.dtype} must be integers; swap neuron and time?")
    if neuron.min() < 0 or neuron.max() >= n_neurons:
        raise InputError(f"neuron {neuron.min()}..{neuron.max()} must be within 0..{n_neurons - 1}; check n_neurons")
    time = numbers("time", time, "spikes")
    inside = (start <= time) & (time < stop)
    return np.bincount(neuron[inside], minlength=n_neurons) / (stop - start)


def rates_from_counts(counts: ArrayLike, duration: float) -> np.ndarray:
    """Return mean rates, given how many spikes were counted.

    Parameters
    ----------
    counts : (examples, neurons) array
        Spikes of each neuron during each example.
    duration : float
        How long each was counted, ms.

    Returns
    -------
    (neurons,) float64 array
        Rates averaged over the examples, spikes/ms.

    Raises
    ------
    InputError
        A count is negative or not finite, or `duration` is not above 0.
    """
    counts = numbers("counts", counts, "examples", "neurons")
    if counts.min() < 0:
        raise InputError(f"counts has {counts.min():g}; must be >= 0 spikes")
    check_range("duration", duration, above=0, unit="ms")
    return counts.mean(axis=0) / duration


def rate_distribution(rates: ArrayLike, *, rate_max: float, n_bins: int = 20) -> RateDistribution:
    """Describe the mean rates of a layer.

    Parameters
    ----------
    rates : (neurons,) float array
        Mean rates, spikes/ms.
    rate_max : float
        Highest firing rate of the network, spikes/ms.
    n_bins : int
        Number of bins of the histogram.

    Returns
    -------
    RateDistribution
        Histogram, mean, median, and shares of silent and saturated neurons.

    Raises
    ------
    InputError
        A rate is negative, or more than twice `rate_max`: then one of them is in Hz.
    """
    rates = numbers("rates", rates, "neurons")
    check_range("rate_max", rate_max, above=0, unit="spikes/ms (write 200 * Hz)")
    check_range("n_bins", n_bins, at_least=1, integer=True)
    if rates.min() < 0:
        raise InputError(f"rates has {rates.min():g} spikes/ms; must be >= 0")
    if rates.max() > 2 * rate_max:
        raise InputError(
            f"rates up to {rates.max():g} with rate_max={rate_max:g} spikes/ms cannot be; give both in spikes/ms"
        )
    counts, edges = np.histogram(rates, n_bins, (0, max(rate_max, rates.max())))
    return RateDistribution(
        edges_hz=edges / Hz,
        counts=counts,
        mean_hz=float(rates.mean() / Hz),
        median_hz=float(np.median(rates) / Hz),
        silent=float((rates == 0).mean()),
        saturated=float((rates >= SATURATED * rate_max).mean()),
    )
