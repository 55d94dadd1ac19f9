"""Figure 9: potentials with a weak apical conductance, and test errors without, with a weak and with a strong one.

python figures/apical_conductance.py [RUNS] [--out FILE]
"""

from frame import main, new_figure, panels
from learning import describe as describe_learning
from learning import draw as draw_learning
from matplotlib.figure import Figure
from trace_panels import COMPARTMENTS, describe, draw_trace

NAMES = {"two-hidden": "0", "strong-attenuation": "0.05", "weak-attenuation": "0.6"}


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    figure = new_figure(14, 7.6)
    traces, learned = figure.subfigures(1, 2, width_ratios=(1, 1.5))
    column = traces.subplots(len(COMPARTMENTS), 1, sharex=True)
    draw_trace(column, report["trace"])
    top, bottom = learned.subfigures(2, 1)
    left = top.subplots()
    grid = (left, *bottom.subplots(1, 2))
    draw_learning(grid, report, NAMES)
    left.get_legend().set_title("g_apical (1/ms)")
    for axes in grid[1:]:
        axes.set_xlabel("g_apical (1/ms)")
    said = {name: f"g_apical {label}" for name, label in NAMES.items()}
    panels(figure, (column[0], *grid))
    return figure, (
        "What if apical dendrites reach the soma? Two hidden layers; conductance from apical dendrite to soma 0, "
        f"0.05 and 0.6 / ms (that of the basal dendrite is 0.6). (a) The lower hidden layer with 0.05. "
        f"{describe(report['trace'])} {describe_learning(report, said, 'bcd')}"
    )


if __name__ == "__main__":
    main("apical_conductance", __doc__, draw)
