"""Training watched example by example: angle to backpropagation, losses and labels, a file an epoch.

Figures 5B and C and 7A are made of it. A start goes on after the last epoch that is complete.
"""

from collections.abc import Iterator
from pathlib import Path

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
    model = protocol.config(setting, name, seed).model

    def work(tell: Tell) -> None:
        done = 0
        while done < n_epochs(setting) and _path(setting, name, seed, done).is_file():
            done += 1
        tell(done * len(images))
        if done == n_epochs(setting):
            return
        training = _start(setting, model, images, name, seed, done)
        for epoch in range(done, n_epochs(setting)):
            _watch_epoch(training, _path(setting, name, seed, epoch), tell)

    return Task(f"{name}, seed {seed}, watched", n_epochs(setting) * len(images), work)


def _start(
    setting: Setting, model: sl.Model, images: sl.Images, name: str, seed: int, done: int
) -> sl.training.Training:
    weights, state = None, None
    if done:
        arrays, _ = storage.load_checkpoint(_path(setting, name, seed, done - 1))
        weights = sl.Weights(
            *(tuple(arrays[f"{kind}/{k}"] for k in range(n)) for kind, n in _sizes(model.network).items())
        )
        state = {key.removeprefix("state/"): array for key, array in arrays.items() if key.startswith("state/")}
    training = sl.train(model, images, seed=seed, epochs=n_epochs(setting), weights=weights, compare=sl.Backprop())
    if state is not None:
        training.resume(done * len(images), state)
    return training


def _sizes(network: sl.Network) -> dict[str, int]:
    return {"W": network.n_layers, "b": network.n_layers, "Y": network.n_hidden}


def _watch_epoch(training: sl.training.Training, path: Path, tell: Tell) -> None:
    seen: dict[str, list[np.ndarray]] = {key: [] for key in SEEN}
    for chunk in training:
        for key in SEEN:
            seen[key].append(getattr(chunk, key))
        tell(chunk.stop - chunk.start)
        if chunk.stop == len(training.images):
            break
    weights = training.weights
    arrays = {f"{kind}/{k}": a for kind in _sizes(training.model.network) for k, a in enumerate(getattr(weights, kind))}
    arrays |= {f"state/{key}": array for key, array in training.state().items()}
    arrays |= {key: np.concatenate(parts) for key, parts in seen.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    storage.save_checkpoint(path, arrays, {})
