"""Single trials of trained networks, recorded: what figures 3C, 6-S1A and 9A show, and what noise does to plateaus."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import protocol
from harness import Setting, rounded

import spikelearn as sl

LAYER = "hidden[0]"


def busy_neuron(setting: Setting, name: str) -> dict[str, Any]:
    """Record a training trial with the first test image, and keep the neuron of the lowest layer with most spikes."""
    seen, found = _trial(setting, name, 0)
    counts = np.bincount(seen.spikes[LAYER].neuron, minlength=len(seen.neurons[LAYER]))
    return found | _traces(seen, int(counts.argmax())) | {"chosen": "which had the most spikes"}


def telling_neuron(setting: Setting, name: str) -> dict[str, Any]:
    """Record a training trial in which something happens, and keep one neuron of the lowest layer.

    The image is the first test image that the network answers wrongly. The neuron is one with feedback of middling size
    (of the middle third by the norm of its feedback weights): of these, the one whose plateaus differ most.
    """
    config, weights = protocol.trained(setting, name, 1)
    images = protocol.SCALES[setting.scale].load().test
    answers = sl.evaluate(config.model.network, weights, images, seed=1, engine=config.engine)[0]
    seen, found = _trial(setting, name, int(np.flatnonzero(answers != images.y)[0]))
    plateaus = seen.plateaus[LAYER]
    by_size = np.argsort(np.linalg.norm(weights.Y[0], axis=1))
    middling = by_size[len(by_size) // 3 : 2 * len(by_size) // 3]
    neuron = int(middling[abs(plateaus.target - plateaus.forward)[middling].argmax()])
    chosen = "of the third with feedback weights of middling size the one whose plateaus differ most here"
    return found | _traces(seen, neuron) | {"answer": int(answers[found["image"]]), "chosen": chosen}


def _trial(setting: Setting, name: str, image: int) -> tuple[sl.Recording, dict[str, Any]]:
    """Record a training trial with a test image; return it, and what the picture says of it."""
    config, weights = protocol.trained(setting, name, 1)
    network, images = config.model.network, protocol.SCALES[setting.scale].load().test
    label = int(images.y[image])
    seen = sl.simulate(
        network,
        weights,
        images.intensities([image])[0],
        label=label,
        record=[LAYER],
        seed=1,
        example=image,
        engine=config.engine,
    )
    window = network.phases.window or "from settle"
    return seen, {"network": name, "image": image, "label": label, "window": window}


def _traces(seen: sl.Recording, neuron: int) -> dict[str, Any]:
    """Return what a neuron of the lowest layer did."""
    plateaus = seen.plateaus[LAYER]
    alpha = [float(plateaus.forward[neuron]), float(plateaus.target[neuron])]
    return {
        "neuron": neuron,
        "phases": [list(phase) for phase in seen.phases],
        "time": seen.times.tolist(),
        **{kind: rounded(seen[f"{LAYER}.{kind}"][neuron]) for kind in ("v_apical", "v_basal", "v_soma")},
        "spikes": seen.spikes[LAYER].time[seen.spikes[LAYER].neuron == neuron].tolist(),
        "alpha": alpha,
        "v_apical_mean": [float(np.log(a / (1 - a))) for a in alpha],
    }


def plateau_times(setting: Setting, name: str, n_neurons: int, n_trials: int) -> list[dict[str, Any]]:
    """Return phases, and times of the plateaus of the first neurons of the lowest layer, in some training trials."""
    config, weights = protocol.trained(setting, name, 1)
    network, images = config.model.network, protocol.SCALES[setting.scale].load().train
    result = []
    for example in range(n_trials):
        image = images.intensities(slice(example, example + 1))[0]
        seen = sl.simulate(
            network,
            weights,
            image,
            label=int(images.y[example]),
            record=[f"{LAYER}.v_apical"],
            neurons=range(min(n_neurons, network.sizes[1])),
            seed=1,
            example=example,
            engine=config.engine,
        )
        plateaus = seen.plateaus[LAYER]
        times = [np.broadcast_to(t, len(plateaus.forward)) for t in (plateaus.time_forward, plateaus.time_target)]
        result.append({"phases": [list(phase) for phase in seen.phases], "times": [t.tolist() for t in times]})
    return result


def noise_reach(setting: Setting, name: str, sds: Iterable[float], n_trials: int) -> dict[str, Any]:
    """Return how far noise on feedback weights moves what teaches a hidden layer: target minus forward plateaus.

    The network has one hidden layer and symmetric feedback; noise is drawn anew for each trial, or once more between
    its phases. Apical potentials do not reach the soma, so the same trial has the same spikes whatever the noise. All
    numbers are root mean squares over neurons and trials; `plateaus` is that of the differences themselves.
    """
    config, weights = protocol.trained(setting, name, 1)
    network = replace(config.model.network, feedback=sl.RandomFeedback())  # takes the weights that it is given
    images, symmetric = protocol.SCALES[setting.scale].load().train, weights.W[1].T

    def plateaus(feedback: np.ndarray, example: int) -> tuple[np.ndarray, np.ndarray]:
        seen = sl.simulate(
            network,
            sl.Weights(weights.W, weights.b, (feedback,), weights.c),
            images.intensities(slice(example, example + 1))[0],
            label=int(images.y[example]),
            record=[f"{LAYER}.v_apical"],
            seed=1,
            example=example,
            engine=config.engine,
        ).plateaus[LAYER]
        assert seen.target is not None  # the trial had a label
        return seen.forward, seen.target

    changes: dict[float, list[tuple[np.ndarray, np.ndarray]]] = {sd: [] for sd in sds}
    differences = []
    for example in range(n_trials):
        rng = np.random.default_rng([1, example])
        forward, target = plateaus(symmetric, example)
        differences.append(target - forward)
        for sd, found in changes.items():
            (first, anew), (_, other) = (
                plateaus(symmetric + rng.normal(0, sd, symmetric.shape).astype(symmetric.dtype), example)
                for _ in range(2)
            )
            found.append((anew - first - differences[-1], other - first - differences[-1]))
    sizes = {sd: np.sqrt(np.mean(np.square(found), axis=(0, 2))) for sd, found in changes.items()}
    return {
        "trials": n_trials,
        "forward_weights_sd": float(weights.W[1].std()),
        "plateaus": float(np.sqrt(np.mean(np.square(differences)))),
        "each_trial": {str(sd): float(size[0]) for sd, size in sizes.items()},
        "each_phase": {str(sd): float(size[1]) for sd, size in sizes.items()},
    }
