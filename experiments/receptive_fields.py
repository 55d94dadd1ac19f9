"""Figures 7B and C: what do hidden neurons look for? Receptive fields of the local rule and of backpropagation.

The two networks start from different weights: with the same ones they would match by that alone.

    python experiments/receptive_fields.py --scale paper
"""

import numpy as np
import protocol
from harness import Setting, Stages, main, rounded

from spikelearn.analysis import best_match, shuffled_match

LOCAL, REFERENCE = ("one-hidden", 2), ("backprop", 1)  # network, seed
SHOWN = 16


def stages(setting: Setting) -> Stages:
    """Train both."""
    return [[protocol.task(setting, *LOCAL), protocol.task(setting, *REFERENCE)]]


def measure(setting: Setting) -> dict:
    """Match the fields; the untrained weights and the shuffled fields say what chance gives."""
    config, weights = protocol.trained(setting, *LOCAL)
    local, reference = weights.W[0], protocol.trained(setting, *REFERENCE)[1].W[0]
    untrained = config.model.network.draw_weights(LOCAL[1]).W[0]
    found = best_match(local, reference)
    shown = np.random.default_rng(1).choice(len(local), min(SHOWN, len(local)), replace=False)
    side = round(local.shape[1] ** 0.5)
    return {
        "local": LOCAL,
        "reference": REFERENCE,
        "shape": [side, local.shape[1] // side],
        "regular": np.round(found.r, 4).tolist(),
        "shuffled": np.round(shuffled_match(local, reference, seed=1).r, 4).tolist(),
        "untrained": np.round(best_match(untrained, reference).r, 4).tolist(),
        "fields": {
            "local": rounded(local[shown], 3),
            "best match": rounded(reference[found.neuron[shown]], 3),
        },
    }


if __name__ == "__main__":
    main("receptive_fields", __doc__, stages, measure)
