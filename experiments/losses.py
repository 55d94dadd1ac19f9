"""Figure 5B and C: is the loss of the hidden layer that of the output? Their correlation over examples of a digit.

Correlated within each epoch and category, against shuffles. As a control, the same for a network whose hidden layer
does not learn: what of the correlation is due to learning?

    python experiments/losses.py --scale paper
"""

import numpy as np
import protocol
import watched
from harness import Setting, Stages, main, rounded

from spikelearn.analysis import loss_correlation

NAMES = ("one-hidden", "output-only")
SHOWN = 2  # the category of the scatter plot, as in the paper
DOTS = 1500


def stages(setting: Setting) -> Stages:
    """Train and watch."""
    return [watched.watching(setting, *NAMES)]


def measure(setting: Setting) -> dict:
    """Correlate the losses of each seed and epoch."""
    n_classes = protocol.config(setting, NAMES[0], 1).model.network.sizes[-1]
    result: dict[str, list] = {name: [] for name in NAMES}
    for name in NAMES:
        for seed in protocol.seeds(setting, name):
            found = [
                loss_correlation(epoch["loss"][:, 0], epoch["loss"][:, -1], epoch["label"], n_classes, seed, 200)
                for epoch in watched.epochs(setting, name, seed)
            ]
            columns = {key: [getattr(one, key) for one in found] for key in ("r", "shuffled_low", "shuffled_high")}
            result[name].append({key: np.round(values, 4).tolist() for key, values in columns.items()})
    second = list(watched.epochs(setting, NAMES[0], 1))[1]
    own = second["loss"][second["label"] == SHOWN][:DOTS]
    return {
        "conditions": result,
        "scatter": {"label": SHOWN, "epoch": 2, "hidden": rounded(own[:, 0]), "output": rounded(own[:, -1])},
    }


if __name__ == "__main__":
    main("losses", __doc__, stages, measure)
