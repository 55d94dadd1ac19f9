"""The contract: the same list for every rule, by its name."""

import importlib.util
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ratenet.helpers import batch, blobs, state_of, task
from spikelearn.datasets import Dataset
from spikelearn.errors import InputError
from spikelearn.ratenet import ENTRIES, SGD, Adam, entry, fit
from spikelearn.ratenet.fit import begin
from spikelearn.ratenet.rule import Rule
from spikelearn.ratenet.rules import DeepBelief, EquilibriumPropagation

SIZES = (12, 16, 14, 3)
NO_HIDDEN_NEEDED = {
    "bp", "shallow", "fa", "dfa", "sign", "mirror", "kp", "np", "wp", "es", "ga", "hash", "meta", "bp-binary",
    "bp-dropout",
}  # fmt: skip
NO_DELTA_RULE = {"np", "wp", "es", "ga", "bp-binary"}
NO_TEACHING = {"shallow", "dbn", "wp", "es", "ga", "meta"}


def load_example():
    path = Path(__file__).parents[2] / "experiments" / "own_rate_rule.py"
    spec = importlib.util.spec_from_file_location("own_rate_rule", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.DriftingFeedback()


RULES: dict[str, tuple[Rule, dict]] = {name: (found.rule, dict(found.options)) for name, found in ENTRIES.items()}
RULES["own"] = (load_example(), {})
NO_HIDDEN_NEEDED.add("own")

each_rule = pytest.mark.parametrize("name", RULES)


def described(name, sizes=SIZES, dtype="float32"):
    rule, options = RULES[name]
    return rule, replace(rule.network(sizes), dtype=dtype, **options)


def brisk(rule):
    """The same rule with steps for few and small minibatches."""
    if isinstance(rule.optimiser, SGD):
        return replace(rule, batch=20, optimiser=SGD(rate=0.02))
    if isinstance(rule, EquilibriumPropagation):  # larger ones saturate its clipped units
        return replace(rule, batch=20, optimiser=Adam(rate=0.003))
    if isinstance(rule, DeepBelief):  # features first: on its initial ones nothing is learned
        return replace(rule, batch=20, optimiser=Adam(rate=0.01), passes=10)
    return replace(rule, batch=20, optimiser=Adam(rate=0.01))


def measured(epoch):
    return [epoch.test_error, epoch.angle, epoch.alignment]


@pytest.fixture(scope="module")
def learned():
    """Every rule after a few epochs of the small task, once for all tests."""
    found = {}

    def get(name):
        if name not in found:
            rule, network = described(name)
            found[name] = list(fit(network, brisk(rule), task(), seed=3, epochs=6))
        return found[name]

    return get


@each_rule
def test_it_learns(learned, name):
    chance = 100 * 2 / 3
    assert learned(name)[-1].test_error < (0.8 * chance if name == "wp" else 0.25 * chance)


@each_rule
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(learned, name):
    rule, network = described(name)
    again = list(fit(network, brisk(rule), task(), seed=3, epochs=6))[-1]
    before = learned(name)[-1]
    np.testing.assert_array_equal(again.state.parameters.flat, before.state.parameters.flat)
    for one, other in zip(measured(again), measured(before), strict=True):
        np.testing.assert_array_equal(one, other)
    other = next(fit(network, brisk(rule), task(), seed=4, epochs=1))
    assert not np.array_equal(other.state.parameters.flat, before.state.parameters.flat)


@each_rule
def test_epochs_are_the_same_however_many_follow_and_whatever_is_measured(learned, name):
    rule, network = described(name)
    seen = fit(network, brisk(rule), task(), seed=3, epochs=2)
    first = next(seen)
    state = first.state
    kept = state.parameters.flat.copy()
    rule.teaching(state, batch(network), np.random.default_rng(0))
    rule.reference(state, batch(network), np.random.default_rng(0))
    rule.outputs(state, batch(network).x)
    rule.alignment(state)
    np.testing.assert_array_equal(state.parameters.flat, kept)
    assert next(seen).test_error == learned(name)[1].test_error


@each_rule
def test_what_is_measured_has_a_number_for_each_hidden_layer(learned, name):
    for epoch in learned(name):
        assert len(epoch.angle) == len(epoch.alignment) == 2
        for degrees in (*epoch.angle, *epoch.alignment):
            assert math.isnan(degrees) or 0 <= degrees <= 180
        assert all(map(math.isnan, epoch.angle)) == (name in NO_TEACHING)
        assert 0 <= epoch.test_error <= 100
        assert epoch.seconds > 0


@each_rule
def test_teaching_signals_have_the_shape_of_the_layer(name):
    rule, network = described(name)
    state = state_of(network, rule)
    teaching = rule.teaching(state, batch(network), np.random.default_rng(0))
    if name in NO_TEACHING:
        assert teaching is None
    else:
        assert [signal.shape for signal in teaching] == [(5, 16), (5, 14)]
        assert all(np.isfinite(signal).all() for signal in teaching)
    assert [signal.shape for signal in rule.reference(state, batch(network), np.random.default_rng(0))] == [
        (5, 16),
        (5, 14),
    ]


@each_rule
def test_what_goes_down_is_on_the_side_of_the_gradient(learned, name):
    if name in NO_TEACHING:
        pytest.skip("has no teaching signal")
    assert all(angle < 90 for angle in learned(name)[-1].angle)


@each_rule
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arrays_keep_the_precision_of_the_network(name, dtype):
    rule, network = described(name, dtype=dtype)
    state = state_of(network, rule)
    rule.learn(state, batch(network, 20), np.random.default_rng(0))
    assert state.parameters.flat.dtype == dtype
    for signal in rule.teaching(state, batch(network), np.random.default_rng(0)) or []:
        assert signal.dtype == dtype
    assert rule.outputs(state, batch(network).x).dtype == dtype


@each_rule
def test_more_and_fewer_hidden_layers_work_or_are_refused(name):
    rule, deep = described(name, (12, 8, 7, 6, 3))
    next(fit(deep, brisk(rule), task(60), seed=1, epochs=1))
    rule, network = described(name, (12, 3))
    if name in NO_HIDDEN_NEEDED:
        assert next(fit(network, brisk(rule), task(60), seed=1, epochs=1)).angle == ()
    else:
        with pytest.raises(InputError, match=r"trains hidden layers, and sizes \(12, 3\) have none; add one"):
            fit(network, rule, task(60), seed=1)


@each_rule
def test_a_rule_is_a_value(name):
    rule = RULES[name][0]
    assert rule == replace(rule)
    assert "object at" not in repr(rule)  # files of results are recognised by it
    with pytest.raises(InputError, match="batch=0"):
        replace(rule, batch=0)


def test_without_hidden_layers_every_delta_rule_is_the_delta_rule():
    network = RULES["bp"][0].network((12, 3))
    ends = []
    for name in sorted(NO_HIDDEN_NEEDED - NO_DELTA_RULE):
        state = begin(network, RULES[name][0], 1)
        for k in range(3):
            replace(RULES[name][0], optimiser=Adam()).learn(state, batch(network, seed=k), np.random.default_rng(0))
        ends.append(state.parameters.flat)
    for end in ends[1:]:
        np.testing.assert_array_equal(end, ends[0])


def test_the_nearest_name_is_suggested():
    with pytest.raises(InputError, match="unknown rule 'microcircuits'; did you mean 'microcircuit'"):
        entry("microcircuits")


def test_every_entry_says_where_its_numbers_are_from():
    assert all(found.numbers for found in ENTRIES.values())


def test_images_that_do_not_fit_are_refused():
    rule, network = described("bp")
    other = Dataset(train=blobs(30, 1, pixels=9), test=blobs(30, 2, pixels=9), name="small blobs")
    with pytest.raises(InputError, match=r"do not fit small blobs.*begin with 9 and end with 3"):
        fit(network, rule, other, seed=1)
