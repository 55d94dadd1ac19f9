"""Numbers that rules come to on whole tasks: minutes, so not in the default suite."""

from statistics import fmean

import pytest

from spikelearn.temporal.learning import learn
from spikelearn.temporal.registry import rule, setting


def run(task, name, points=50):
    """Train by a rule as it is compared, with seed 1."""
    known = setting(task)
    return list(
        learn(
            known.network(name),
            rule(name),
            known.task,
            known.optimisers(name),
            seed=1,
            steps=known.steps,
            every=known.steps // points,
        )
    )


def last_fifth(found, key="loss"):
    return fmean(getattr(point, key) for point in found[-10:])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bptt", "rtrl"])
def test_the_add_task_with_near_lags_is_learned_to_within_hundredths_of_its_optimum(name):
    assert last_fifth(run("add-near", name)) < setting("add-near").task.optimum + 0.015


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bptt", "rtrl"])
def test_with_far_lags_the_exact_rules_use_both_bits_and_the_control_hardly_one(name):
    nearer, _ = setting("add").task.one_bit
    assert last_fifth(run("add", name)) < 0.49 < nearer < last_fifth(run("add", "readout"))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "most"), [("eprop", 0.2), ("eprop-random", 0.5)])
def test_eprop_learns_a_pattern(name, most):
    found = run("pattern", name)
    assert found[0].quality > 0.7
    assert last_fifth(found, "quality") < most


@pytest.mark.slow
def test_delayed_xor_needs_credit_for_the_first_bit():
    assert last_fifth(run("delayed-xor", "bptt"), "quality") < 1
