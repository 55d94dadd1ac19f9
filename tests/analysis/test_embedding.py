"""t-SNE and scores of separation, on clouds of points that are known."""

import numpy as np
import pytest

from spikelearn.analysis import embed, separation
from spikelearn.errors import InputError


def clouds(distance, n=60, neurons=70, seed=0):
    """Return three classes whose centres are apart by `distance`, each with unit spread."""
    rng = np.random.default_rng(seed)
    label = np.arange(n) % 3
    return distance / 2**0.5 * np.eye(3, neurons)[label] + rng.normal(size=(n, neurons)) / neurons**0.5, label


def slow_separation(x, label):
    """Return silhouette and error of the nearest neighbour, in loops over examples."""
    distance = [[np.sqrt(sum((a - b) ** 2)) for b in x] for a in x]
    scores, wrong = [], 0
    for i in range(len(x)):
        others = [j for j in range(len(x)) if j != i]
        wrong += label[min(others, key=lambda j, i=i: distance[i][j])] != label[i]
        means = {c: np.mean([distance[i][j] for j in others if label[j] == c]) for c in set(label)}
        own = means.pop(label[i])
        nearest = min(means.values())
        scores.append((nearest - own) / max(nearest, own))
    return np.mean(scores), 100 * wrong / len(x)


@pytest.mark.parametrize("distance", [0.0, 0.7, 5.0])
def test_separation_is_that_of_the_definition(distance):
    x, label = clouds(distance, neurons=6)
    np.testing.assert_allclose(separation(x, label), slow_separation(x, label), atol=1e-9)


def test_separation_goes_from_chance_to_perfect():
    scores = [separation(*clouds(distance, n=300)) for distance in (0, 0.3, 4)]
    silhouettes, errors = np.transpose(scores)
    assert (np.diff(silhouettes) > 0.01).all() and (np.diff(errors) < -10).all()
    assert silhouettes[0] == pytest.approx(0, abs=0.02)
    assert errors[0] == pytest.approx(200 / 3, abs=10)  # one in three by chance
    assert errors[2] == 0


def test_a_class_in_two_clusters_has_a_low_silhouette_but_no_error():
    x, label = clouds(6)
    two, one = separation(x, (label == 1).astype(int)), separation(x, label)
    assert two.neighbour_error == one.neighbour_error == 0
    assert two.silhouette < one.silhouette - 0.2


def test_units_do_not_matter_to_separation():
    x, label = clouds(1.0)
    np.testing.assert_allclose(separation(1000 * x, label), separation(x, label))


def test_clusters_are_still_clusters_in_the_plane():
    x, label = clouds(6, n=90)
    points = embed(x, seed=1, perplexity=10)
    assert points.shape == (90, 2)
    assert separation(points, label).neighbour_error == 0


def test_the_seed_fixes_the_picture():
    x, _ = clouds(2)
    np.testing.assert_array_equal(embed(x, seed=1, perplexity=8), embed(x, seed=1, perplexity=8))


@pytest.mark.parametrize("neurons", [1, 2, 200])
def test_layers_of_any_size_can_be_embedded(neurons):
    x = np.random.default_rng(0).normal(size=(40, neurons))
    assert np.isfinite(embed(x, seed=1, perplexity=5)).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: embed(clouds(1)[0], 1, perplexity=60), "perplexity=60 must be less than the number of examples, 60"),
        (lambda: embed(clouds(1)[0], 1, perplexity=0), "perplexity=0 must be a finite number > 0"),
        (lambda: embed(np.ones((50, 4)), 1), "activity is the same in all examples"),
        (lambda: embed(np.ones(50), 1), "activity of shape (50,) must be of shape (examples, neurons)"),
        (lambda: separation(np.ones((4, 2)), [0, 0, 0, 0]), "label has 1 different classes in 4 examples"),
        (lambda: separation(np.ones((4, 2)), [0, 1, 2, 3]), "label has 4 different classes in 4 examples"),
        (lambda: separation(np.ones((4, 2)), [0, 1]), "label must be integers of shape (4,)"),
    ],
)
def test_what_cannot_be_embedded_or_scored_is_refused(call, message):
    with pytest.raises(InputError) as info:
        call()
    assert message in str(info.value)
