"""Influence balancing: the optimum is known, and looking back one step goes the wrong way."""

from itertools import islice

import numpy as np
import pytest

from spikelearn.errors import InputError
from spikelearn.temporal import rules
from spikelearn.temporal.influence_balancing import InfluenceBalancing, learn

OPTIMUM = -1 / 6


def thetas(rule, updates, **how):
    return np.array(list(islice(learn(rule, **{"rate": 1e-4} | how), updates)))


def test_the_optimum_is_where_the_fixed_point_is_the_target():
    task = InfluenceBalancing()
    assert task.optimum == pytest.approx(OPTIMUM)
    A = 0.5 * (np.eye(23) + np.eye(23, k=1))
    assert np.linalg.solve(np.eye(23) - A, task.optimum * task.v)[0] == pytest.approx(1)


def test_real_time_recurrent_learning_reaches_the_optimum():
    found = thetas(rules.RTRL(), 3000)
    np.testing.assert_allclose(found[[99, 999]], [0.172, -0.166], atol=5e-4)  # as scalar sensitivities give it
    assert found[-1] == pytest.approx(OPTIMUM, abs=1e-4)


def test_a_window_of_one_step_moves_away_and_does_not_come_back():
    found = thetas(rules.Truncated(window=1), 3000)
    np.testing.assert_allclose(found[[99, 999, 2999]], [0.502, 0.944, 3.26], rtol=1e-3)
    assert (np.diff(found[100:]) > 0).all()


def test_a_window_of_ten_steps_grows_without_bound():
    found = thetas(rules.Truncated(window=10), 1000, gap=10)
    assert found[0] == pytest.approx(0.5, abs=0.01) and found[99] > 0.9 and found[999] > 100


def test_a_window_of_fifty_steps_is_on_its_way_there():
    found = thetas(rules.Truncated(window=50), 1000, gap=50)
    np.testing.assert_allclose(found[[99, 999]], [0.335, -0.128], atol=5e-4)


@pytest.mark.slow
@pytest.mark.parametrize("window", [50, 100])
def test_windows_of_fifty_steps_and_more_reach_the_optimum(window):
    assert thetas(rules.Truncated(window=window), 3000, gap=window)[-1] == pytest.approx(OPTIMUM, abs=5e-4)


@pytest.mark.parametrize(
    ("rule", "updates"),
    [pytest.param(rules.UORO(), 12_000, marks=pytest.mark.slow), (rules.KFRTRL(), 3000)],
    ids=["uoro", "kf-rtrl"],
)
def test_the_unbiased_estimates_reach_it_with_a_small_rate(rule, updates):
    found = thetas(rule, updates, rate=1e-5)
    assert abs(found[-1000:].mean() - OPTIMUM) < 0.02


@pytest.mark.parametrize(("what", "message"), [({"rate": 0}, "rate=0"), ({"gap": 0}, "gap=0")])
def test_bad_numbers_are_refused(what, message):
    with pytest.raises(InputError, match=message):
        next(learn(rules.RTRL(), **{"rate": 1e-4} | what))
