"""Training watched example by example: angle to backpropagation, losses and labels, a file an epoch.

Figures 5B and C and 7A are made of it. A start goes on after the last epoch that is complete.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import protocol
from harness import Setting, Task, Tell

import spikelearn as sl
from spikelearn import storage

EPOCHS = 10  # of figure 7A
SEEN = ("angle", "loss", "label")  # of each chunk


def watching(setting: Setting, *names: str) -> list[Task]:
    """Return the tasks that train networks and watch them."""
    return [_watching(setting, name, seed) for name in names for seed in protocol.seeds(setting, name)]


def epochs(setting: Setting, name: str, seed: int) -> Iterator[dict[str, np.ndarray]]:
    """Yield what was seen in each epoch: ``angle`` (n, hidden layers), ``loss`` (n, layers) and ``label`` (n,)."""
    for epoch in range(n_epochs(setting)):
        yield storage.load_checkpoint(_path(setting, name, seed, epoch))[0]


def n_epochs(setting: Setting) -> int:
    """Return how many epochs are watched."""
    return min(EPOCHS, protocol.SCALES[setting.scale].epochs)


def _path(setting: Setting, name: str, seed: int, epoch: int) -> Path:
    return setting.out / "watched" / f"{name}-seed{seed}" / f"epoch{epoch + 1:02}.h5"


def _watching(setting: Setting, name: str, seed: int) -> Task:
    images = protocol.SCALES[setting.scale].load().train

    def work(tell: Tell) -> None:
        origin, done = protocol.origin(setting, name, seed), 0
        while done < n_epochs(setting) and _path(setting, name, seed, done).is_file():
            protocol.check_left(_path(setting, name, seed, done), origin)
            done += 1
        training = _resume(setting, name, seed, done)
        tell(training.trials)
        for epoch in range(done, n_epochs(setting)):
            _watch_epoch(training, _path(setting, name, seed, epoch), origin, tell)

    return Task(f"{name}, seed {seed}, watched", n_epochs(setting) * len(images), work)


def _resume(setting: Setting, name: str, seed: int, done: int) -> sl.training.Training:
    """Begin training, or go on after so many epochs."""
    config, images = protocol.config(setting, name, seed), protocol.SCALES[setting.scale].load().train
    training = sl.train(
        config.model, images, seed=seed, epochs=n_epochs(setting), engine=config.engine, compare=sl.Backprop()
    )
    if done:
        protocol.take_up(training, _path(setting, name, seed, done - 1), protocol.origin(setting, name, seed))
    return training


def _watch_epoch(training: sl.training.Training, path: Path, origin: dict[str, Any], tell: Tell) -> None:
    seen: dict[str, list[np.ndarray]] = {key: [] for key in SEEN}
    for chunk in training:
        for key in SEEN:
            seen[key].append(getattr(chunk, key))
        tell(chunk.stop - chunk.start)
        if chunk.stop == len(training.images):
            break
    protocol.leave(training, path, origin, **{key: np.concatenate(parts) for key, parts in seen.items()})
