"""Figure 6B: test errors with no, one and two hidden layers.

python figures/learning_curves.py [RUNS] [--out FILE]
"""

from frame import main, new_figure, panels
from learning import draw as draw_learning
from learning import sentence, tests
from matplotlib.figure import Figure

NAMES = {"no-hidden": "none", "one-hidden": "one", "two-hidden": "two"}


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    figure = new_figure(12, 4)
    grid = figure.subplots(1, 3, width_ratios=(1.3, 1, 1))
    draw_learning(grid, report, NAMES, top=14)
    panels(figure, grid)
    return figure, (
        "Hidden layers help. Number of hidden layers (784-10, 784-500-10, 784-500-100-10), clock engine, released "
        f"reading. (a) Mean over networks, band from the lowest to the highest; {sentence(report, NAMES)}. (b) Dots "
        f"are networks, bars their mean, lines its 95 % interval, diamonds what was published. (c) "
        f"{tests(report, NAMES)}."
    )


if __name__ == "__main__":
    main("learning_curves", __doc__, draw)
