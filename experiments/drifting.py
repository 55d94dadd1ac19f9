"""Symmetric feedback with noise that adds up from example to example: feedback that wanders away from its target.

A variant of ours, tried because noise drawn anew, as the paper describes it, did no harm. The paper explains the harm
in its figure 8D by a target that moves; this one does. Whether the published noise added up is not known.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import protocol
from harness import Setting, Task, Tell

import spikelearn as sl
from spikelearn import storage

SD = 0.05  # added to each feedback weight, an example
STEP = 100  # examples between two changes of the feedback weights


def drifting(setting: Setting, seed: int) -> Task:
    """Return the task that trains the network; a start goes on after the last epoch that is complete."""
    scale, path, origin = protocol.SCALES[setting.scale], _path(setting, seed), _origin(setting, seed)
    config, data = protocol.config(setting, "one-hidden", seed), scale.load()

    def work(tell: Tell) -> None:
        model, engine = config.model, config.engine
        training = sl.train(model, data.train, seed=seed, epochs=config.epochs, engine=engine, chunk_size=STEP)
        drift, errors = np.zeros_like(training.weights.Y[0]), []
        if path.is_file():
            arrays = protocol.take_up(training, path, origin)
            drift, errors = arrays["drift"], arrays["test_error"].tolist()
        tell(training.trials)
        move(training, drift, seed)
        for chunk in training:
            if chunk.stop == len(data.train):
                predictions = sl.evaluate(model.network, training.weights, data.test, seed=seed, engine=engine)
                errors.append(sl.error_percent(predictions, data.test.y)[0])
                protocol.leave(training, path, origin, drift=drift, test_error=np.array(errors))
            tell(chunk.stop - chunk.start)
            move(training, drift, seed)

    return Task(f"drifting, seed {seed}", config.epochs * len(data.train), work)


def move(training: sl.training.Training, drift: np.ndarray, seed: int) -> None:
    """Let the drift go on, in place, and add it to the transposed forward weights."""
    rng = np.random.default_rng([seed, training.trials])
    drift += rng.normal(0, SD * STEP**0.5, drift.shape).astype(drift.dtype)
    now = training.weights
    training.weights = sl.Weights(now.W, now.b, (now.W[1].T + drift,), now.c)


def learning(setting: Setting, seeds: Iterable[int]) -> dict[str, Any]:
    """Return what training came to: test errors of each seed and epoch."""
    found = [storage.load_checkpoint(_path(setting, seed))[0]["test_error"].tolist() for seed in seeds]
    return {"test_error": found, "sd": SD, "step": STEP}


def _path(setting: Setting, seed: int) -> Path:
    return setting.out / "drifting" / f"seed{seed}.h5"


def _origin(setting: Setting, seed: int) -> dict[str, Any]:
    return protocol.origin(setting, "one-hidden", seed) | {"sd": SD, "step": STEP}
