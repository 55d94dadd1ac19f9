"""Not in the paper: how long must one look? Test error against the time an image is shown, and the spikes that takes.

python experiments/test_duration.py --scale paper
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import protocol
from harness import Setting, Stages, Task, Tell, main, once, read

import spikelearn as sl
from spikelearn import runs

NAMES = ("one-hidden", "two-hidden")
DURATIONS = (50.0, 75.0, 100.0, 150.0, 200.0, 250.0, 300.0, 400.0, 500.0)  # ms
COUNTED = {"smoke": 5, "laptop": 100, "paper": 500}  # images whose spikes are counted


def stages(setting: Setting) -> Stages:
    """Train, then test at every duration."""
    n = len(protocol.SCALES[setting.scale].load().test)

    def task(name: str, seed: int) -> Task:
        origin = protocol.origin(setting, name, seed) | {"durations": DURATIONS, "counted": COUNTED[setting.scale]}
        work = once(path(setting, name, seed), origin, lambda tell: test(setting, name, seed, tell))
        return Task(f"{name}, seed {seed}", n * len(DURATIONS), work)

    tests = [task(name, seed) for name in NAMES for seed in protocol.seeds(setting, name)]
    return [protocol.training(setting, *NAMES), tests]


def path(setting: Setting, name: str, seed: int) -> Path:
    """Return where the tests of a network are kept."""
    return setting.out / "test_duration" / f"{name}-seed{seed}.json"


def test(setting: Setting, name: str, seed: int, tell: Tell) -> dict:
    """Test a network for every duration, and count the spikes of some images."""
    config, weights = protocol.trained(setting, name, seed)
    network, images = config.model.network, protocol.SCALES[setting.scale].load().test
    errors = []
    for duration in DURATIONS:
        shown = replace(network, phases=replace(network.phases, test=duration))
        predictions = sl.evaluate(shown, weights, images, seed=seed, engine=config.engine)
        errors.append(float(sl.error_percent(predictions, images.y)[0]))
        tell(len(images))
    return {"test_error": errors, "spikes": spikes(config, weights, images.first(COUNTED[setting.scale]), seed)}


def spikes(config: runs.Config, weights: sl.Weights, images: sl.Images, seed: int) -> dict[str, list[float]]:
    """Return the mean number of spikes of each layer up to every duration."""
    network = config.model.network
    layers = ["input", *(f"hidden[{k}]" for k in range(network.n_hidden)), "output"]
    counts = {layer: np.zeros(len(DURATIONS)) for layer in layers}
    for k in range(len(images)):
        image = images.intensities(slice(k, k + 1))[0]
        seen = sl.simulate(
            network,
            weights,
            image,
            duration=max(DURATIONS),
            record=["spikes"],
            seed=seed,
            example=k,
            engine=config.engine,
        )
        for layer in layers:
            counts[layer] += np.searchsorted(seen.spikes[layer].time, DURATIONS)
    return {layer: (count / len(images)).tolist() for layer, count in counts.items()}


def measure(setting: Setting) -> dict:
    """Gather the seeds."""
    return {
        "duration": DURATIONS,
        "conditions": {
            name: [read(path(setting, name, seed)) for seed in protocol.seeds(setting, name)] for name in NAMES
        },
    }


if __name__ == "__main__":
    main("test_duration", __doc__, stages, measure)
