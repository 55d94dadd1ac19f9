"""Does it help if feedback weights are the transposed forward weights, exactly or with noise? Figure 8D.

Besides, after five epochs: how much noise does it take to do harm?

    python experiments/symmetric_feedback.py --scale paper
"""

import protocol
from harness import Setting, Stages, main

NAMES = ("one-hidden", "symmetric", "symmetric-noisy")
NOISY = {sd: f"noise-{sd:g}" for sd in protocol.NOISE}


def stages(setting: Setting) -> Stages:
    """Train."""
    return [protocol.training(setting, *NAMES, *NOISY.values())]


def measure(setting: Setting) -> dict:
    """Gather the curves."""
    noisy = protocol.learning(setting, *NOISY.values())
    return {
        "conditions": protocol.learning(setting, *NAMES),
        "noise": {str(sd): noisy[name]["test_error"][0] for sd, name in NOISY.items()},
    }


if __name__ == "__main__":
    main("symmetric_feedback", __doc__, stages, measure)
