"""Figure 3C: potentials of the three compartments of a hidden neuron, its spikes and plateaus, in a training trial.

python experiments/traces.py --scale paper
"""

import protocol
import trials
from harness import Setting, Stages, main

NAME = "one-hidden"


def stages(setting: Setting) -> Stages:
    """Train one network."""
    return [[protocol.task(setting, NAME, 1)]]


def measure(setting: Setting) -> dict:
    """Record a trial."""
    return {"trace": trials.telling_neuron(setting, NAME)}


if __name__ == "__main__":
    main("traces", __doc__, stages, measure)
