"""Figure 7A: does the local rule follow backpropagation? The angle between their errors over ten epochs.

Feedback by spikes, as everywhere, and by rates; in both readings of the paper, and with the learning rates 0.3 and
0.01, which the authors' script had for a while.

    python experiments/angles.py --scale paper
"""

import numpy as np
import protocol
import watched
from harness import Setting, Stages, main

from spikelearn.analysis import block_means

NAMES = tuple(name + suffix for suffix in ("", "-slow-output", "-text") for name in ("one-hidden", "rate-feedback"))
BLOCK = {"smoke": 20, "laptop": 200, "paper": 500}  # examples in a mean


def stages(setting: Setting) -> Stages:
    """Train and watch."""
    return [watched.watching(setting, *NAMES)]


def measure(setting: Setting) -> dict:
    """Average the angles of each seed."""
    result = {}
    for name in NAMES:
        runs = []
        for seed in protocol.seeds(setting, name):
            angle = np.concatenate([epoch["angle"][:, 0] for epoch in watched.epochs(setting, name, seed)])
            blocks = block_means(angle, BLOCK[setting.scale])
            by_epoch = [float(np.nanmean(part)) for part in np.array_split(angle, watched.n_epochs(setting))]
            runs.append({"mean": np.round(blocks.mean, 2).tolist(), "by_epoch": by_epoch})
        result[name] = {"stop": blocks.stop.tolist(), "runs": runs, "lowest": [min(run["mean"]) for run in runs]}
    return {"block": BLOCK[setting.scale], "conditions": result}


if __name__ == "__main__":
    main("angles", __doc__, stages, measure)
