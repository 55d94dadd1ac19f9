"""Best matches of receptive fields, against a loop and where they are known."""

import numpy as np
import pytest

from spikelearn.analysis import best_match, shuffled_match
from spikelearn.errors import InputError


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def test_a_best_match_is_the_highest_of_all_correlations():
    a, b = draw(6, 40) + 3, draw(9, 40, seed=1)
    found = best_match(a, b)
    for i in range(6):
        correlations = [np.corrcoef(a[i], b[j])[0, 1] for j in range(9)]
        assert found.r[i] == pytest.approx(max(correlations))
        assert found.neuron[i] == np.argmax(correlations)


def test_permuted_copies_match_with_correlation_1_and_their_shuffle_does_not():
    a = draw(50, 300)
    order = np.random.default_rng(1).permutation(50)
    b = 4 * a[order] - 7  # another scale and offset: correlation does not see them
    found = best_match(a, b)
    np.testing.assert_allclose(found.r, 1)
    np.testing.assert_array_equal(order[found.neuron], np.arange(50))
    assert shuffled_match(a, b, seed=1).r.max() < 0.4


def test_a_field_and_its_negative_do_not_match():
    a = draw(1, 30)
    assert best_match(a, -a).r[0] == pytest.approx(-1)


def test_independent_fields_match_as_well_as_their_shuffle():
    a, b = draw(200, 100), draw(200, 100, seed=1)
    regular, shuffled = best_match(a, b).r, shuffled_match(a, b, seed=2).r
    assert regular.mean() > 0.2  # the best of 200 is far from 0, by chance
    assert regular.mean() == pytest.approx(shuffled.mean(), abs=0.015)


def test_shuffling_keeps_the_weights_of_every_field_and_gives_each_an_order_of_its_own():
    # With one-hot fields the best match of a shuffled field tells where its weight went.
    found = shuffled_match(np.eye(40), np.eye(40), seed=3)
    np.testing.assert_allclose(found.r, 1)
    places = np.unique(found.neuron)
    assert len(places) > 15  # not all by the same permutation, or there would be 40
    assert len(places) < 40


def test_the_seed_fixes_the_shuffle():
    a, b = draw(20, 30), draw(20, 30, seed=1)
    np.testing.assert_array_equal(shuffled_match(a, b, seed=1).r, shuffled_match(a, b, seed=1).r)
    assert (shuffled_match(a, b, seed=1).r != shuffled_match(a, b, seed=2).r).any()


def test_nothing_given_is_changed():
    a, b = draw(5, 6), draw(5, 6, seed=1)
    kept = a.copy(), b.copy()
    best_match(a, b)
    shuffled_match(a, b, seed=1)
    assert np.array_equal(a, kept[0]) and np.array_equal(b, kept[1])


def test_a_constant_field_matches_nothing_and_nothing_matches_it():
    a, b = draw(3, 8), draw(4, 8, seed=1)
    a[1], b[0] = 0.1, 0.3
    found = best_match(a, b)
    assert np.isnan(found.r).tolist() == [False, True, False]
    assert found.neuron[1] == -1
    assert (found.neuron[[0, 2]] != 0).all()
    # BLAS may sum in another order where shapes differ.
    np.testing.assert_allclose(found.r[[0, 2]], best_match(a[[0, 2]], b[1:]).r, rtol=1e-12)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (draw(3, 8), draw(3, 9), "w_a has fields of 8 inputs, w_b of 9"),
        (draw(3, 8), np.ones((2, 8)), "w_b: the weights of every neuron are all equal"),
        (draw(8), draw(3, 8), "w_a of shape (8,) must be of shape (neurons, inputs)"),
    ],
)
def test_fields_that_cannot_be_compared_are_refused(a, b, message):
    for call in (lambda: best_match(a, b), lambda: shuffled_match(a, b, seed=1)):
        with pytest.raises(InputError) as info:
            call()
        assert message in str(info.value)
