"""How much do results vary, and from what? Repeated tests of one network, and networks of several seeds.

Testing a spiking network twice gives two numbers, because its spikes differ. Training it twice gives two networks,
because weights, order and spikes differ. Only the second spread says how a method does. The paper (Guerguiev,
Lillicrap & Richards 2017) repeats the tests of one network 20 times and reports the first.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from spikelearn.analysis.inputs import numbers


class Spread(NamedTuple):
    """Summary of repeated measurements, in their unit; SD and what follows from it are NaN for a single one.

    Parameters
    ----------
    n : int
        Number of values.
    mean, sd, sem, min, max : float
        SD with n - 1; SEM is SD / sqrt(n).
    low, high : float
        95 % confidence interval of the mean, by Student's t.
    """

    n: int
    mean: float
    sd: float
    sem: float
    min: float
    max: float
    low: float
    high: float


class SeedSpread(NamedTuple):
    """Spread over networks, with what is due to testing told apart.

    Parameters
    ----------
    networks : Spread
        Summary of the networks' means.
    test_sd : float
        SD of repeated tests of the same network, pooled over networks; NaN with a single test each.
    seed_sd : float
        SD between networks if each could be tested without noise: 0 if tests alone explain the spread; NaN for a
        single network or test.
    """

    networks: Spread
    test_sd: float
    seed_sd: float


def spread(values: ArrayLike) -> Spread:
    """Summarise repeated measurements.

    What was repeated decides what it says: with repeated tests of one network (`evaluate(..., repeats=20)`) the
    interval holds the error of that network, with several seeds that of the method.

    Parameters
    ----------
    values : (n,) float array
        Such as test errors in percent.

    Returns
    -------
    Spread
        Mean, SD, SEM, range and confidence interval.

    Raises
    ------
    InputError
        `values` does not have one axis, is empty, or holds a number that is not finite.
    """
    from scipy.special import stdtrit  # slow to import

    values = numbers("values", values, "n")
    n, mean = len(values), values.mean()
    sd = values.std(ddof=1) if n > 1 else np.nan
    sem = sd / np.sqrt(n)
    half = stdtrit(n - 1, 0.975) * sem if n > 1 else np.nan
    numbers_of = (mean, sd, sem, values.min(), values.max(), mean - half, mean + half)
    return Spread(n, *map(float, numbers_of))


def seed_spread(values: ArrayLike) -> SeedSpread:
    """Summarise several networks, each tested several times: a one-way random-effects analysis of variance.

    Parameters
    ----------
    values : (networks, tests) float array
        Such as test errors in percent, one row a seed of training.

    Returns
    -------
    SeedSpread
        Spread of the networks' means, and the SDs of tests and of networks.

    Raises
    ------
    InputError
        `values` is not (networks, tests), is empty, or holds a number that is not finite.
    """
    values = numbers("values", values, "networks", "tests")
    n_networks, n_tests = values.shape
    networks = spread(values.mean(axis=1))
    if n_tests == 1:
        return SeedSpread(networks, np.nan, np.nan)
    within = values.var(axis=1, ddof=1).mean()
    # The means of networks vary by their own variance plus a share of the tests'.
    between = max(networks.sd**2 - within / n_tests, 0.0) if n_networks > 1 else np.nan
    return SeedSpread(networks, float(np.sqrt(within)), float(np.sqrt(between)))
