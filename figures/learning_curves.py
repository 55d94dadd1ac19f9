"""Figure 6B: test errors with no, one and two hidden layers; below, the reading of the text and the event engine.

python figures/learning_curves.py [RUNS] [--out FILE]
"""

from frame import main, new_figure, panels
from learning import draw as draw_learning
from learning import sentence, tests
from matplotlib.figure import Figure

RELEASED = {"no-hidden": "none", "one-hidden": "one", "two-hidden": "two"}
OTHERS = {
    "one-hidden-event": "one, event engine",
    "no-hidden-text": "none, text",
    "one-hidden-text": "one, text",
    "two-hidden-text": "two, text",
}


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    figure = new_figure(12, 7.6)
    grid = figure.subplots(2, 3, width_ratios=(1.3, 1, 1))
    draw_learning(grid[0], report, RELEASED, top=14)
    draw_learning(grid[1], report, OTHERS, top=14)
    panels(figure, grid.flat)
    return figure, (
        "Hidden layers help. Number of hidden layers (784-10, 784-500-10, 784-500-100-10), clock engine, released "
        f"reading; {sentence(report, RELEASED)}. (a) Mean over networks, band from the lowest to the highest. (b) Dots "
        f"are networks, bars their mean, lines its 95 % interval, diamonds what was published. (c) "
        f"{tests(report, RELEASED)}. (d-f) The same for the event engine, and for the reading of the text; "
        f"{sentence(report, OTHERS)}; {tests(report, OTHERS)}."
    )


if __name__ == "__main__":
    main("learning_curves", __doc__, draw)
