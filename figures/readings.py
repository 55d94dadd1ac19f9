"""Not in the paper: test errors in both readings of it, and with both engines.

python figures/readings.py [RUNS] [--out FILE]
"""

from frame import main, new_figure, panels
from learning import draw as draw_learning
from learning import sentence, tests
from matplotlib.figure import Figure

NAMES = {
    "one-hidden": "one, released",
    "one-hidden-event": "one, released,\nevent engine",
    "no-hidden-text": "none, text",
    "one-hidden-text": "one, text",
    "two-hidden-text": "two, text",
}


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    figure = new_figure(14, 4.4)
    grid = figure.subplots(1, 3, width_ratios=(1.3, 1, 1))
    draw_learning(grid, report, NAMES, top=14)
    panels(figure, grid)
    caption = (
        "What readings and engines do. Number of hidden layers, reading, and engine where it is not the "
        "clock. (a) Mean "
        f"over networks, band from the lowest to the highest; {sentence(report, NAMES)}. (b) Dots are networks, bars "
        f"their mean, lines its 95 % interval. (c) {tests(report, NAMES)}."
    )
    return figure, caption.replace("\n", " ")


if __name__ == "__main__":
    main("readings", __doc__, draw)
