"""Figure 6, supplement 1: must plateaus be synchronous? Each neuron's a few ms before the end of the phase, at random.

python experiments/plateau_timing.py --scale paper
"""

import protocol
import trials
from harness import Setting, Stages, main

NAMES = ("one-hidden", "jittered-plateaus")


def stages(setting: Setting) -> Stages:
    """Train, and test again and again."""
    return protocol.train_and_retest(setting, *NAMES)


def measure(setting: Setting) -> dict:
    """Gather the curves, and when 100 neurons had their plateaus in two trials."""
    return {
        "conditions": protocol.learning(setting, *NAMES),
        "trials": {name: trials.plateau_times(setting, name, n_neurons=100, n_trials=2) for name in NAMES},
    }


if __name__ == "__main__":
    main("plateau_timing", __doc__, stages, measure)
