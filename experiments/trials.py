"""Single trials of trained networks, recorded: what figures 3C, 6-S1A and 9A show."""

from typing import Any

import numpy as np
import protocol
from harness import Setting, rounded

import spikelearn as sl

LAYER = "hidden[0]"


def busy_neuron(setting: Setting, name: str, image: int = 0) -> dict[str, Any]:
    """Record a training trial with a test image, and keep the neuron of the lowest layer with the most spikes."""
    config, weights = protocol.trained(setting, name, 1)
    network, images = config.model.network, protocol.SCALES[setting.scale].load().test
    label = int(images.y[image])
    seen = sl.simulate(
        network,
        weights,
        images.intensities(slice(image, image + 1))[0],
        label=label,
        record=[LAYER],
        seed=1,
        example=image,
        engine=config.engine,
    )
    counts = np.bincount(seen.spikes[LAYER].neuron, minlength=network.sizes[1])
    neuron = int(counts.argmax())
    plateaus = seen.plateaus[LAYER]
    assert plateaus.target is not None  # the trial had a label
    return {
        "network": name,
        "image": image,
        "label": label,
        "neuron": neuron,
        "phases": [list(phase) for phase in seen.phases],
        "time": seen.times.tolist(),
        **{kind: rounded(seen[f"{LAYER}.{kind}"][neuron]) for kind in ("v_apical", "v_basal", "v_soma")},
        "spikes": seen.spikes[LAYER].time[seen.spikes[LAYER].neuron == neuron].tolist(),
        "alpha": [float(plateaus.forward[neuron]), float(plateaus.target[neuron])],
        "window": network.phases.window or "from settle",
        "v_apical_mean": [float(np.log(a / (1 - a))) for a in (plateaus.forward[neuron], plateaus.target[neuron])],
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
