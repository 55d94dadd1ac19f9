"""Figures 8B and 8, supplement 1: test errors with dense and with sparse feedback, amplified or not.

python figures/sparse_feedback.py [RUNS] [--out FILE]
"""

from frame import main, new_figure, panels
from learning import describe, draw_networks, sentence
from learning import draw as draw_learning
from matplotlib.figure import Figure

LONG = {"one-hidden": "dense", "sparse": "sparse x 5"}
SHORT = LONG | {"sparse-unamplified": "sparse x 1"}


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    figure = new_figure(12, 7.6)
    upper, lower = figure.subfigures(2, 1)
    long, short = upper.subplots(1, 3, width_ratios=(1.3, 1, 1)), lower.subplots(1, 2)
    draw_learning(long, report, LONG)
    draw_networks(short, report, SHORT, top=15)
    panels(figure, (*long, *short))
    return figure, (
        "One hidden layer; 80 % of the feedback weights are zero, the others multiplied by 5 or not. "
        f"{describe(report, LONG, 'abc')} (d, e) With the sparse feedback that is not amplified, too; "
        f"{sentence(report, SHORT)}."
    )


if __name__ == "__main__":
    main("sparse_feedback", __doc__, draw)
