"""The spiking network of this package as one more row of a comparison, measured as the rate networks are."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from spikelearn.analysis import alignments
from spikelearn.datasets import Dataset
from spikelearn.engines import Engine
from spikelearn.errors import InputError
from spikelearn.evaluation import error_percent, evaluate
from spikelearn.examples import Examples
from spikelearn.learning import Backprop
from spikelearn.model import Model
from spikelearn.models import guerguiev2017
from spikelearn.ratenet.fit import N_ANGLE
from spikelearn.training import train
from spikelearn.weights import Weights

ANGLES = "angles over test images"
NUMBERS = "all the paper's; reading 'released' on MNIST, 'text' elsewhere"


def spiking_model(sizes: tuple[int, ...], data: str) -> Model:
    """Describe the network of Guerguiev et al. with these sizes; `InputError` with more than two hidden layers."""
    describe = (guerguiev2017.no_hidden, guerguiev2017.one_hidden, guerguiev2017.two_hidden)
    n_hidden = len(sizes) - 2
    if n_hidden >= len(describe):
        raise InputError(
            f"spiking: there are learning rates for at most two hidden layers, sizes {sizes} have {n_hidden}; "
            f"leave the row out with --rules"
        )
    # With the short kernel of 'released' the few pixels of small images take several times longer to learn.
    reading = "released" if data == "mnist" else "text"
    return describe[n_hidden](reading, n_input=sizes[0], hidden=sizes[1:-1], n_output=sizes[-1])


def spiking_epochs(
    sizes: tuple[int, ...], data: Dataset, *, seed: int, epochs: int, engine: Engine
) -> Iterator[dict[str, Any]]:
    """Train by plateau potentials; yield for each epoch what `spikelearn.ratenet.fit.Epoch` holds, as a dict.

    The angle is the mean over the test images over which those of the rate networks are, with their labels taught and
    nothing learned.
    """
    model = spiking_model(sizes, data.name)
    n, seconds = len(data.train), 0.0
    # The first example compiles, where that is not done yet.
    next(train(model, data.train.first(1), seed=seed, engine=engine))
    training = train(model, data.train, seed=seed, epochs=epochs, engine=engine)
    began = time.perf_counter()
    for chunk in training:
        seconds += time.perf_counter() - began
        if chunk.stop == n:
            weights = training.weights
            predictions = evaluate(model.network, weights, data.test, seed=seed, engine=engine)
            yield {
                "epoch": chunk.epoch + 1,
                "test_error": float(error_percent(predictions, data.test.y)[0]),
                "seconds": seconds,
                "angle": mean_angles(model, weights, data.test, seed, engine),
                "alignment": tuple(found.degrees for found in alignments(weights.W, weights.Y)),
            }
            seconds = 0.0
        began = time.perf_counter()


def mean_angles(model: Model, weights: Weights, test: Examples, seed: int, engine: Engine) -> tuple[float, ...]:
    """Return the mean angle to backpropagation's errors in each hidden layer; NaN where no image has an error."""
    shown = test.first(min(N_ANGLE, len(test)))
    still = replace(model, learning_rates=(0.0,) * model.network.n_layers)
    looking = train(still, shown, seed=seed, weights=weights, engine=engine, compare=Backprop())
    angles = np.concatenate([chunk.angle for chunk in looking])
    known = np.count_nonzero(~np.isnan(angles), axis=0)  # an error of zero has no direction
    return tuple(np.where(known, np.nansum(angles, axis=0) / np.maximum(known, 1), np.nan).tolist())
