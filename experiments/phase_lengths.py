"""Figure 4B: how long phases are: at least 50 ms, and a little more, drawn anew for each.

python experiments/phase_lengths.py --scale paper
"""

import numpy as np
from harness import Setting, Stages, main

import spikelearn as sl
from spikelearn.core.random import draw_extra, make_keys

DRAWN = {"smoke": 1000, "laptop": 60_000, "paper": 60_000}  # training examples
SHOWN = 20


def stages(setting: Setting) -> Stages:
    """Nothing has to be trained."""
    return []


def measure(setting: Setting) -> dict:
    """Draw the lengths of both phases as training with seed 1 does."""
    phases, n = sl.Phases(), DRAWN[setting.scale]
    extra = np.empty((n, 2))
    draw_extra(make_keys(1, "phases", 1)[0], 0, phases.extra_mean, phases.extra_shape, extra)
    length = phases.minimum + extra
    edges = np.arange(phases.minimum, phases.minimum + 20.5, 0.5)
    return {
        "n": length.size,
        "minimum": phases.minimum,
        "extra_mean": phases.extra_mean,
        "extra_shape": phases.extra_shape,
        "mean": float(length.mean()),
        "quantiles": dict(zip(("5 %", "50 %", "95 %"), np.quantile(length, (0.05, 0.5, 0.95)).tolist(), strict=True)),
        "up_to_60": float((length <= 60).mean()),
        "edges": edges.tolist(),
        "count": np.histogram(length, edges)[0].tolist(),
        "beyond": int((length > edges[-1]).sum()),
        "examples": np.round(length[:SHOWN], 2).tolist(),
    }


if __name__ == "__main__":
    main("phase_lengths", __doc__, stages, measure)
