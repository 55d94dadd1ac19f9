"""The paper's proposed experiment (its figure 10), simulated: apical input early or late, and what basal weights do.

A trained network sees an image; its apical dendrites hear nothing but one burst, of the output that excites each most.
The burst comes at some time of the two phases, each 50 ms long. What the local rule then does to the neuron's basal
weights: a burst in the forward phase's window should depress them, one in the target phase's potentiate them.

    python experiments/apical_timing.py --scale paper
"""

from dataclasses import replace

import numpy as np
import protocol
from harness import Setting, Stages, main

import spikelearn as sl
from spikelearn.learning.plateau import STEP

NAMES = ("one-hidden", "one-hidden-text")
PHASE = 50.0  # ms
BURST = np.arange(0.0, 10.0, 2.0)  # ms after its onset: five spikes at 500 Hz
ONSETS = np.arange(-50.0, 50.0, 2.5)  # ms, from the end of the forward phase
IMAGES = {"smoke": 2, "laptop": 5, "paper": 10}
LAYER = "hidden[0]"


def stages(setting: Setting) -> Stages:
    """Train one network of each reading."""
    return [[protocol.task(setting, name, 1) for name in NAMES]]


def measure(setting: Setting) -> dict:
    """Move the burst through the trial."""
    return {
        "onset": ONSETS.tolist(),
        "burst": BURST.tolist(),
        "phase": PHASE,
        "conditions": {name: sweep(setting, name) for name in NAMES},
    }


def sweep(setting: Setting, name: str) -> dict:
    """Return mean weight changes and plateaus for every onset; their spread is over neurons."""
    config, weights = protocol.trained(setting, name, 1)
    # Phases of the same length, to have one axis of time: what is added to 50 ms is next to nothing.
    phases = replace(config.model.network.phases, minimum=PHASE, extra_mean=1e-6, extra_shape=1.0)
    network = replace(config.model.network, phases=phases)
    images = protocol.SCALES[setting.scale].load().test.first(IMAGES[setting.scale])
    loudest = weights.Y[0].argmax(axis=1)  # output that excites the apical dendrite of each neuron most
    engine, rate = config.engine, config.model.learning_rates[0]
    rows = [one_onset(network, engine, weights, images, onset, loudest, rate) for onset in ONSETS]
    change, forward, target = (np.array(column) for column in zip(*rows, strict=True))
    return {
        "n": change.shape[1],
        "mean": change.mean(axis=1).tolist(),
        "low": np.quantile(change, 0.1, axis=1).tolist(),
        "high": np.quantile(change, 0.9, axis=1).tolist(),
        "alpha": [forward.mean(axis=1).tolist(), target.mean(axis=1).tolist()],
        "window": phases.window or PHASE - phases.settle,
    }


def one_onset(network, engine, weights, images, onset, loudest, rate):
    """Return for each neuron the mean change of its basal weights, and its plateaus, averaged over images."""
    found = np.zeros((3, network.sizes[1]))
    burst = np.maximum(PHASE + onset + BURST, 0.0)
    burst = burst[burst < 2 * PHASE]
    for k in range(len(images)):
        intensity, label = images.intensities(slice(k, k + 1))[0], int(images.y[k])
        for output in np.unique(loudest):
            seen = sl.simulate(
                network,
                weights,
                intensity,
                label=label,
                record=[LAYER, "input.spikes"],
                apical_spikes=(np.full(len(burst), output), burst),
                seed=1,
                example=k,
                engine=engine,
            )
            own = loudest == output
            alpha = seen.plateaus[LAYER]
            found[0, own] += basal_change(network, seen, rate)[own]
            found[1, own] += alpha.forward[own]
            found[2, own] += alpha.target[own]
    return found / len(images)


def basal_change(network: sl.Network, seen: sl.Recording, rate: float) -> np.ndarray:
    """Return what the local rule adds to a basal weight, averaged over the active inputs, by neuron (equation 35)."""
    phases, alpha = network.phases, seen.plateaus[LAYER]
    start = PHASE - phases.window if phases.window is not None else phases.settle
    inside = (seen.times > start) & (seen.times <= PHASE)
    predicted = 1 / (1 + np.exp(-seen[f"{LAYER}.v_soma"][:, inside].mean(axis=1)))
    # Equation 33; r_max and P_0 = 20 / r_max leave the 20.
    error = STEP * network.dendrite_gains[0] * (alpha.target - alpha.forward) * predicted * (1 - predicted)
    psp = mean_psp(network, seen, start)
    return rate * error * psp[psp > 0].mean()


def mean_psp(network: sl.Network, seen: sl.Recording, start: float) -> np.ndarray:
    """Return the filtered spikes of each input, averaged over the window from `start` to the end of the phase."""
    synapse, spikes = network.synapse, seen.spikes["input"]
    memory = np.inf if synapse.cutoff is None else synapse.cutoff

    def passed(age: np.ndarray) -> np.ndarray:
        """Share of the kernel's area that is over at an age."""
        age = np.clip(age, 0.0, memory)
        slow = synapse.tau_decay * (1 - np.exp(-age / synapse.tau_decay))
        fast = synapse.tau_rise * (1 - np.exp(-age / synapse.tau_rise))
        return (slow - fast) / (synapse.tau_decay - synapse.tau_rise)

    share = passed(PHASE - spikes.time) - passed(start - spikes.time)
    return np.bincount(spikes.neuron, weights=share, minlength=network.sizes[0]) / (PHASE - start)


if __name__ == "__main__":
    main("apical_timing", __doc__, stages, measure)
