"""Correlations of losses by category: as the textbook has them, and against a shuffle."""

import itertools

import numpy as np
import pytest
from scipy import stats

from spikelearn.analysis import loss_correlation, mean_losses
from spikelearn.errors import InputError


def some(n=600, classes=3, shared=0.0, seed=0):
    """Return hidden losses, output losses and labels; `shared` is the weight of what both have in common."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=n)
    hidden, output = (shared * common + (1 - shared**2) ** 0.5 * rng.normal(size=n) for _ in range(2))
    return hidden, output, rng.integers(0, classes, n)


def test_correlations_are_pearsons_within_each_category():
    hidden, output, label = some(shared=0.6)
    found = loss_correlation(hidden, output, label, 3, seed=1, n_shuffles=10)
    for category in range(3):
        x, y = hidden[label == category], output[label == category]
        np.testing.assert_allclose(found.r[category], stats.pearsonr(x, y)[0])
        assert found.n[category] == len(x)


def test_losses_that_share_a_cause_correlate_and_their_shuffle_does_not():
    found = loss_correlation(*some(shared=0.7), 3, seed=1)
    np.testing.assert_allclose(found.r, 0.49, atol=0.12)  # 0.7 squared; 0.12 is twice the standard error
    assert (found.r > found.shuffled_high + 0.1).all()
    np.testing.assert_allclose(found.shuffled_mean, 0, atol=0.01)
    assert (found.p == 1 / 1001).all()


def test_independent_losses_do_not_correlate_and_lie_within_their_shuffle():
    found = loss_correlation(*some(n=6000, classes=10), 10, seed=1)
    np.testing.assert_allclose(found.r, 0, atol=0.15)
    assert ((found.shuffled_low < found.r) & (found.r < found.shuffled_high)).sum() >= 8
    assert (found.p > 0.001).all()


def test_the_range_of_the_shuffle_is_that_of_chance():
    # For independent normal values, r has SD 1 / sqrt(n - 1).
    hidden, output, _ = some(n=400)
    found = loss_correlation(hidden, output, np.zeros(400, int), 1, seed=1, n_shuffles=4000)
    np.testing.assert_allclose([found.shuffled_low[0], found.shuffled_high[0]], [-0.098, 0.098], atol=0.008)


def test_p_is_the_share_of_all_pairings_that_are_as_extreme():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=6), rng.normal(size=6)
    r = stats.pearsonr(x, y)[0]
    pairings = [abs(stats.pearsonr(list(order), y)[0]) >= abs(r) - 1e-12 for order in itertools.permutations(x)]
    found = loss_correlation(x, y, np.zeros(6, int), 1, seed=1, n_shuffles=20_000)
    np.testing.assert_allclose(found.p[0], np.mean(pairings), atol=0.01)


def test_differences_between_categories_do_not_count():
    # Each category has levels of its own; within one, nothing is shared.
    hidden, output, label = some(n=3000)
    overall = stats.pearsonr(hidden + 10 * label, output + 10 * label)[0]
    found = loss_correlation(hidden + 10 * label, output + 10 * label, label, 3, seed=1)
    assert overall > 0.9
    np.testing.assert_allclose(found.r, 0, atol=0.1)
    np.testing.assert_allclose(found.shuffled_mean, 0, atol=0.01)


def test_units_do_not_matter_and_the_seed_fixes_everything():
    hidden, output, label = some(shared=0.4)
    one, other = (loss_correlation(hidden, y, label, 3, seed=4, n_shuffles=50) for y in (output, 1e6 * output))
    for first, second in zip(one, other, strict=True):
        np.testing.assert_allclose(first, second)
    again = loss_correlation(hidden, output, label, 3, seed=5, n_shuffles=50)
    assert (again.shuffled_high != one.shuffled_high).all()
    np.testing.assert_array_equal(again.r, one.r)


def test_the_shuffles_of_a_category_do_not_depend_on_the_others():
    hidden, output, label = some()
    both = loss_correlation(hidden, output, label, 3, seed=1, n_shuffles=50)
    only = label == 2
    alone = loss_correlation(hidden[only], output[only], label[only], 3, seed=1, n_shuffles=50)
    assert both.shuffled_high[2] == alone.shuffled_high[2]


def test_categories_that_are_too_small_or_constant_have_no_correlation():
    label = np.array([0, 0, 1, 1, 1, 3, 3, 3])
    hidden = np.array([1.0, 2, 5, 5, 5, 1, 2, 4])
    found = loss_correlation(hidden, np.arange(8.0), label, 5, seed=1, n_shuffles=20)
    assert np.isnan(found.r).tolist() == [True, True, True, False, True]
    assert all(np.isnan(values)[0] for values in found if values.dtype.kind == "f")
    assert found.n.tolist() == [2, 3, 0, 3, 0]


def test_mean_losses_are_those_of_a_loop():
    rng = np.random.default_rng(0)
    loss, label = rng.random((40, 3)), rng.integers(0, 4, 40)
    found = mean_losses(loss, label, 5)
    for category in range(4):
        own = [row for row, which in zip(loss, label, strict=True) if which == category]
        np.testing.assert_allclose(found.mean[category], sum(own) / len(own))
        assert found.n[category] == len(own)
    assert np.isnan(found.mean[4]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"output_loss": np.ones(5)}, "numbers of examples differ: 6 in hidden_loss, 5 in output_loss"),
        ({"hidden_loss": np.full(6, np.nan)}, "hidden_loss is nan at (0,); must be finite"),
        ({"label": np.zeros(6)}, "label must be integers of shape (6,)"),
        ({"label": np.full(6, 3)}, "label is 3 at example 0; must be within 0..1"),
        ({"label": np.full(6, -1)}, "label is -1 at example 0"),
        ({"n_classes": 0}, "n_classes=0 must be an integer >= 1"),
        ({"n_shuffles": 0}, "n_shuffles=0 must be an integer >= 1"),
        ({"seed": 0.5}, "seed=0.5 must be an integer >= 0"),
    ],
)
def test_losses_that_cannot_be_correlated_are_refused(change, message):
    good = {
        "hidden_loss": np.arange(6.0),
        "output_loss": np.ones(6),
        "label": np.zeros(6, int),
        "n_classes": 2,
        "seed": 1,
    }
    with pytest.raises(InputError) as info:
        loss_correlation(**(good | change))
    assert message in str(info.value)


def test_mean_losses_need_a_column_for_each_layer():
    with pytest.raises(InputError, match="loss of shape"):
        mean_losses(np.ones(4), np.zeros(4, int), 2)
