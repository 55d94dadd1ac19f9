"""Does it help if feedback weights are the transposed forward weights, exactly or with noise? Figure 8D.

Besides: how much noise does it take to do harm in five epochs, and what does noise do that adds up?

    python experiments/symmetric_feedback.py --scale paper
"""

import drifting
import protocol
from harness import Setting, Stages, main

NAMES = ("one-hidden", "symmetric", "symmetric-noisy")
NOISY = {sd: f"noise-{sd:g}" for sd in protocol.NOISE}


def stages(setting: Setting) -> Stages:
    """Train."""
    return [[*protocol.training(setting, *NAMES, *NOISY.values()), drifting.drifting(setting, seed=1)]]


def measure(setting: Setting) -> dict:
    """Gather the curves."""
    noisy = protocol.learning(setting, *NOISY.values())
    return {
        "conditions": protocol.learning(setting, *NAMES),
        "noise": {str(sd): noisy[name]["test_error"][0] for sd, name in NOISY.items()},
        "drifting": {"sd": drifting.SD, "step": drifting.STEP, "test_error": drifting.errors(setting, seed=1)},
    }


if __name__ == "__main__":
    main("symmetric_feedback", __doc__, stages, measure)
