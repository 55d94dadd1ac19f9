"""Figure 7A: does the local rule follow backpropagation? The angle between their errors over ten epochs.

Feedback by spikes, as everywhere, and by rates; in all readings of the paper, and with the learning rates 0.3 and
0.01, which the authors' script had for a while. And: in the last epoch, is it examples with or without errors?

    python experiments/angles.py --scale paper
"""

import numpy as np
import protocol
import watched
from harness import Setting, Stages, main

from spikelearn.analysis import block_means

READINGS = ("", "-cited", "-slow-output", "-text")
NAMES = tuple(name + suffix for suffix in READINGS for name in ("one-hidden", "rate-feedback"))
BLOCK = {"smoke": 20, "laptop": 200, "paper": 500}  # examples in a mean
PARTS = 10  # of the last epoch, by loss


def stages(setting: Setting) -> Stages:
    """Train and watch."""
    return [watched.watching(setting, *NAMES)]


def measure(setting: Setting) -> dict:
    """Average the angles of each seed."""
    result = {}
    for name in NAMES:
        runs = []
        for seed in protocol.seeds(setting, name):
            epochs = list(watched.epochs(setting, name, seed))
            angle = np.concatenate([epoch["angle"][:, 0] for epoch in epochs])
            blocks = block_means(angle, BLOCK[setting.scale])
            by_epoch = [float(np.nanmean(part)) for part in np.array_split(angle, watched.n_epochs(setting))]
            runs.append(
                {
                    "mean": np.round(blocks.mean, 2).tolist(),
                    "by_epoch": by_epoch,
                    "by_loss": by_loss(epochs[-1]["angle"][:, 0], epochs[-1]["loss"][:, -1]),
                }
            )
        result[name] = {"stop": blocks.stop.tolist(), "runs": runs, "lowest": [min(run["mean"]) for run in runs]}
    return {"block": BLOCK[setting.scale], "conditions": result}


def by_loss(angle: np.ndarray, loss: np.ndarray) -> list[float]:
    """Return the mean angle of the tenth of the examples with the smallest loss of the output layer, of the next ..."""
    order = np.argsort(loss, kind="stable")
    return [float(np.nanmean(angle[part])) for part in np.array_split(order, PARTS)]


if __name__ == "__main__":
    main("angles", __doc__, stages, measure)
