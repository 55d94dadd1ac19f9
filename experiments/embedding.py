"""Figure 6C: do hidden layers tell digits apart? t-SNE of test images, and of what they make each layer do.

python experiments/embedding.py --scale paper
"""

from pathlib import Path

import numpy as np
import protocol
from harness import Setting, Stages, Task, Tell, main, once, read

import spikelearn as sl
from spikelearn.analysis import embed, separation

NAME = "two-hidden"
PERPLEXITY = 30.0


def stages(setting: Setting) -> Stages:
    """Train one network; then show it the test images."""
    n = len(protocol.SCALES[setting.scale].load().test)
    origin = protocol.origin(setting, NAME, 1)
    look = Task("activity", n, once(path(setting), origin, lambda tell: look_at(setting, tell)))
    return [[protocol.task(setting, NAME, 1)], [look]]


def path(setting: Setting) -> Path:
    """Return where the embedded points are kept."""
    return setting.out / "embedding" / "points.json"


def look_at(setting: Setting, tell: Tell) -> dict:
    """Count the spikes of the hidden layers for every test image, and embed them."""
    images = protocol.SCALES[setting.scale].load().test
    activity = {"input": images.intensities(slice(0, len(images)))} | spike_counts(setting, images, tell)
    perplexity = min(PERPLEXITY, len(images) / 4)
    result: dict = {"label": images.y.tolist(), "perplexity": perplexity, "layers": {}}
    for layer, rows in activity.items():
        found = separation(rows, images.y)
        points = embed(rows, seed=1, perplexity=perplexity)
        tell(0)
        result["layers"][layer] = {
            "points": np.round(points, 2).tolist(),
            "silhouette": found.silhouette,
            "neighbour_error": found.neighbour_error,
        }
    return result


def spike_counts(setting: Setting, images: sl.Images, tell: Tell) -> dict[str, np.ndarray]:
    """Return spikes after the settling time by hidden layer, (images, neurons)."""
    config, weights = protocol.trained(setting, NAME, 1)
    layers = [f"hidden[{k}]" for k in range(config.model.network.n_hidden)]
    counts = sl.activity(config.model.network, weights, images, seed=1, layers=layers, engine=config.engine)
    tell(len(images))
    return counts


def measure(setting: Setting) -> dict:
    """Read what was embedded."""
    return {"network": NAME, "seed": 1, **read(path(setting))}


if __name__ == "__main__":
    main("embedding", __doc__, stages, measure)
