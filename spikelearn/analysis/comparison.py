"""Do two conditions differ? The t-test of the paper, and what it can and cannot tell.

Guerguiev, Lillicrap & Richards 2017 compare 20 repeated tests of one network with 20 of another: unpaired two-tailed
t-test, df = 38, p-values multiplied by the number of comparisons (Bonferroni). That tests whether *these two trained
networks* differ in error, beyond the chance of their spikes in the test. As tests of one network vary by less than 0.1
percentage points, any two networks differ "significantly", p = 1e-19, even two seeds of one method. It does not tell
whether the methods differ: for that, the values must be of networks trained independently, one value a seed.
"""

from collections.abc import Mapping
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from spikelearn.analysis.inputs import numbers
from spikelearn.errors import InputError, check_range


class Comparison(NamedTuple):
    """Unpaired two-tailed t-test with equal variances.

    Parameters
    ----------
    difference : float
        Mean of the first minus mean of the second, in the unit of the values.
    low, high : float
        95 % confidence interval of the difference, not corrected for the number of comparisons.
    t : float
        Student's t.
    df : int
        Degrees of freedom: number of values minus 2.
    p : float
        P-value of this comparison alone.
    p_corrected : float
        P-value times the number of comparisons, at most 1 (Bonferroni).
    """

    difference: float
    low: float
    high: float
    t: float
    df: int
    p: float
    p_corrected: float


def compare(a: ArrayLike, b: ArrayLike, n_comparisons: int = 1) -> Comparison:
    """Compare two groups of values by an unpaired two-tailed t-test.

    The values must be independent draws of what is asked about. Repeated tests of one network are draws of that
    network's tests, not of networks: see the head of this file.

    Parameters
    ----------
    a, b : (n,) float arrays
        At least two values each, and not all of them equal; n may differ.
    n_comparisons : int
        How many comparisons are made in all.

    Returns
    -------
    Comparison
        Difference of the means, its confidence interval and p-values.

    Raises
    ------
    InputError
        A group has fewer than two values, or both groups are constant.
    """
    from scipy.stats import ttest_ind  # slow to import

    a, b = numbers("a", a, "n"), numbers("b", b, "n")
    check_range("n_comparisons", n_comparisons, at_least=1, integer=True)
    for name, values in (("a", a), ("b", b)):
        if len(values) < 2:
            raise InputError(f"{name} has {len(values)} value; a t-test needs at least 2 in each group: repeat it")
    if np.ptp(a) == 0 and np.ptp(b) == 0:
        raise InputError(f"a is always {a[0]:g} and b always {b[0]:g}: without any spread there is no t-test")
    found = ttest_ind(a, b)
    interval = found.confidence_interval(0.95)
    return Comparison(
        difference=float(a.mean() - b.mean()),
        low=float(interval.low),
        high=float(interval.high),
        t=float(found.statistic),
        df=int(found.df),
        p=float(found.pvalue),
        p_corrected=min(1.0, n_comparisons * float(found.pvalue)),
    )


def compare_all(groups: Mapping[str, ArrayLike]) -> dict[tuple[str, str], Comparison]:
    """Compare every pair of groups, corrected for the number of pairs.

    Parameters
    ----------
    groups : mapping of str to (n,) float arrays
        Values by name of the condition, at least two conditions.

    Returns
    -------
    dict of (str, str) to Comparison
        In the order of `groups`.

    Raises
    ------
    InputError
        There are fewer than two groups, or `compare` refuses one of them.
    """
    if len(groups) < 2:
        raise InputError(f"groups has {len(groups)} condition ({', '.join(groups)}); comparing needs at least 2")
    pairs = list(combinations(groups, 2))
    return {(a, b): compare(groups[a], groups[b], len(pairs)) for a, b in pairs}
