"""From what scikit-learn hands over to what training takes: rows, labels, seeds and parameters."""

import numbers
from typing import Any

import numpy as np
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import check_random_state

from spikelearn.errors import InputError, described
from spikelearn.examples import Images
from spikelearn.learning import Plateau
from spikelearn.model import Model
from spikelearn.models import guerguiev2017
from spikelearn.scaling import Scaling

# Of hidden layers and of the output layer; chosen on held-out training rows of the digits, which four seeds learned in
# fewer epochs than at the paper's 0.21 for both.
LEARNING_RATES = 1.0, 0.1


def model_of(estimator: Any, n_inputs: int, n_classes: int) -> Model:
    """Return the model that the parameters of a classifier describe; `InputError` if one of them does not."""
    hidden, rates = estimator.hidden_layer_sizes, estimator.learning_rates
    if isinstance(hidden, str | None) or not np.iterable(hidden) and not isinstance(hidden, numbers.Integral):
        raise InputError(
            f"hidden_layer_sizes must be a whole number or a sequence of such, got {described(hidden)}; "
            f"() is no hidden layer"
        )
    sizes = (n_inputs, *(hidden if np.iterable(hidden) else (hidden,)), n_classes)
    network = guerguiev2017.network(estimator.reading, sizes, estimator.feedback)
    if rates is None:
        rates = (LEARNING_RATES[0],) * network.n_hidden + LEARNING_RATES[1:]
    if isinstance(rates, numbers.Real):
        rates = (float(rates),) * network.n_layers
    return Model(network=network, learning_rates=rates, rule=Plateau() if estimator.rule is None else estimator.rule)


def images_of(scaling: Scaling, x: np.ndarray, classes: np.ndarray, labels: np.ndarray) -> Images:
    """Return rows as images: (n, columns) numbers, scaled, and (n,) labels, each one of the classes."""
    encoder = LabelEncoder().fit(classes)
    return Images(x=scaling.intensities(x), y=encoder.transform(labels), n_classes=len(classes), name="X")


def seed_of(random_state: Any) -> int:
    """Return a whole number as it is; else draw one, from what scikit-learn or NumPy take for a source of draws."""
    if isinstance(random_state, numbers.Integral):
        return int(random_state)
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31))
    return int(check_random_state(random_state).randint(2**31 - 1))
