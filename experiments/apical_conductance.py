"""Figure 9: what if apical dendrites reach the soma? Two hidden layers with g_apical = 0, 0.05 and 0.6 / ms.

Test errors (B), and potentials of a neuron of the trained network with 0.05 (A).

    python experiments/apical_conductance.py --scale paper
"""

import protocol
import trials
from harness import Setting, Stages, main

NAMES = ("two-hidden", "strong-attenuation", "weak-attenuation")
TRACED = "strong-attenuation"


def stages(setting: Setting) -> Stages:
    """Train, and test again and again."""
    return protocol.train_and_retest(setting, *NAMES)


def measure(setting: Setting) -> dict:
    """Gather the curves, and record a trial."""
    return {"conditions": protocol.learning(setting, *NAMES), "trace": trials.busy_neuron(setting, TRACED)}


if __name__ == "__main__":
    main("apical_conductance", __doc__, stages, measure)
