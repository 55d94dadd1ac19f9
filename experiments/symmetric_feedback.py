"""Does it help if feedback weights are the transposed forward weights, exactly or with noise? Figure 8D.

Besides: how much noise does it take to do harm in five epochs, how far does noise reach in a trained network, and what
does noise do that adds up?

    python experiments/symmetric_feedback.py --scale paper
"""

import drifting
import protocol
import trials
from conditions import NOISE
from harness import Setting, Stages, main

NAMES = ("one-hidden", "symmetric", "symmetric-noisy")
NOISY = {sd: f"noise-{sd:g}" for sd in NOISE}
TRIALS = 50


def stages(setting: Setting) -> Stages:
    """Train, and test again and again."""
    wandering = [drifting.drifting(setting, seed) for seed in seeds(setting)]
    return [
        [*protocol.training(setting, *NAMES, *NOISY.values()), *wandering],
        protocol.retesting(setting, *NAMES),
    ]


def seeds(setting: Setting) -> range:
    """Return the seeds with noise that adds up: those with random feedback."""
    return protocol.seeds(setting, NAMES[0])


def measure(setting: Setting) -> dict:
    """Gather the curves, and see how far noise reaches."""
    return {
        "conditions": protocol.learning(setting, *NAMES) | {"drifting": drifting.learning(setting, seeds(setting))},
        "noise": {str(sd): protocol.curves(setting, name)[0] for sd, name in NOISY.items()},
        "reach": trials.noise_reach(setting, "symmetric", [sd for sd in NOISE if sd > 0], TRIALS),
    }


if __name__ == "__main__":
    main("symmetric_feedback", __doc__, stages, measure)
