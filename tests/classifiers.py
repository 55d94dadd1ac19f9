"""A small classifier and what it learns from, for the tests of doors/."""

import numpy as np
from sklearn.base import clone

import spikelearn as sl


def small(**parameters):
    """Return a classifier that learns within a second."""
    usual = {"hidden_layer_sizes": (8,), "epochs": 10, "engine": sl.Clock(), "random_state": 0}
    return sl.SegregatedDendriteClassifier(**(usual | parameters))


def toy_rows():
    """Return two clouds, 20 rows each, with numbers within 0..1, and their labels."""
    rng = np.random.default_rng(3)
    y = np.repeat([0, 1], 20)
    x = np.clip(0.2 + 0.6 * np.eye(2)[y].repeat(2, axis=1) + 0.1 * rng.standard_normal((40, 4)), 0, 1)
    order = rng.permutation(40)
    return x[order], y[order]


def same(a, b):
    """Return whether two classifiers have the same weights, and go on in the same way."""
    return a.weights_ == b.weights_ and all(np.array_equal(a._state[name], b._state[name]) for name in a._state)


def copied(classifier, **parameters):
    """Return another classifier that has learned the same, with other parameters."""
    twin = clone(classifier)
    vars(twin).update(vars(classifier))
    return twin.set_params(**parameters)
