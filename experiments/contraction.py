"""Figure 5, supplement 1: does the feedback come to invert the way up? Theorem 1's condition during the first epoch.

The largest eigenvalue of (I - U)^T (I - U) over the last 100 examples, for both definitions of U (the mean of
products, which made the published picture, and the product of means, which its caption names), and U before and after.

    python experiments/contraction.py --scale paper
"""

from pathlib import Path

import numpy as np
import protocol
from harness import Setting, Stages, Task, Tell, main, once, read

import spikelearn as sl
from spikelearn.analysis import (
    contraction,
    feedback_jacobian,
    mean_diagonal,
    output_jacobian,
    product_of_means,
    products,
)

WINDOW = 100  # examples
LOOK = 10  # examples between two looks at the weights, which hardly change meanwhile


def stages(setting: Setting) -> Stages:
    """Train an epoch with every seed."""
    n = len(protocol.SCALES[setting.scale].load().train)

    def task(seed: int) -> Task:
        origin = protocol.origin(setting, "one-hidden", seed)
        return Task(f"seed {seed}", n, once(path(setting, seed), origin, lambda tell: follow(setting, seed, tell)))

    return [[task(seed) for seed in range(1, setting.seeds + 1)]]


def path(setting: Setting, seed: int) -> Path:
    """Return where what was seen is kept."""
    return setting.out / "contraction" / f"seed{seed}.json"


def follow(setting: Setting, seed: int, tell: Tell) -> dict:
    """Train an epoch and look at the Jacobians."""
    config, images = protocol.config(setting, "one-hidden", seed), protocol.SCALES[setting.scale].load().train
    network = config.model.network
    gain, rate_max = network.dendrite_gains[-1], network.rate_max
    training = sl.train(config.model, images, seed=seed, engine=config.engine, chunk_size=LOOK)
    weights, ups, downs = training.weights, [], []
    result: dict[str, list] = {"example": [], "mean of products": [], "product of means": [], "diagonal": [], "U": []}
    for chunk in training:
        ups.append(output_jacobian(chunk.v_output, weights.W[-1], dendrite_gain=gain, rate_max=rate_max))
        downs.append(feedback_jacobian(chunk.v_output, weights.Y[0], weights.c[0], rate_max=rate_max))
        weights = training.weights  # those of the next chunk's first example
        tell(chunk.stop - chunk.start)
        if chunk.stop % WINDOW == 0:
            up, down = np.concatenate(ups), np.concatenate(downs)
            u = products(up, down).mean(axis=0)
            result["example"].append(chunk.stop)
            result["mean of products"].append(float(contraction(u)))
            result["product of means"].append(float(contraction(product_of_means(up, down))))
            result["diagonal"].append(float(mean_diagonal(u)))
            if chunk.stop in (WINDOW, len(images)):
                result["U"].append(np.round(u, 4).tolist())
            ups, downs = [], []
    return result


def measure(setting: Setting) -> dict:
    """Gather the seeds."""
    return {"window": WINDOW, "runs": [read(path(setting, seed)) for seed in range(1, setting.seeds + 1)]}


if __name__ == "__main__":
    main("contraction", __doc__, stages, measure)
