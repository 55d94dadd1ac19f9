"""Figure 3C: potentials of the compartments of a hidden neuron during a training trial.

python figures/traces.py [RUNS] [--out FILE]
"""

from frame import main, new_figure
from matplotlib.figure import Figure
from trace_panels import COMPARTMENTS, describe, draw_trace


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    figure = new_figure(8, 6)
    draw_trace(figure.subplots(len(COMPARTMENTS), 1, sharex=True), report["trace"])
    return figure, (
        "A hidden neuron of the trained network with one hidden layer (784-500-10, released reading, clock, seed 1). "
        + describe(report["trace"])
        + " Apical potentials do not reach the soma (g_apical = 0), which follows the basal dendrite. Potentials are "
        "relative to rest and have no unit."
    )


if __name__ == "__main__":
    main("traces", __doc__, draw)
