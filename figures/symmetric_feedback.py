"""Figure 8D: test errors with random feedback, with the transposed forward weights, and with these plus noise.

python figures/symmetric_feedback.py [RUNS] [--out FILE]
"""

from frame import main, new_figure, panels
from learning import draw as draw_learning
from learning import sentence, tests
from matplotlib.figure import Figure

NAMES = {"one-hidden": "random", "symmetric": "symmetric", "symmetric-noisy": "symmetric\n+ noise"}


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    figure = new_figure(12, 4)
    grid = figure.subplots(1, 3, width_ratios=(1.3, 1, 1))
    draw_learning(grid, report, NAMES, top=14)
    panels(figure, grid)
    text = (
        "One hidden layer; feedback weights random, or the transposed forward weights, or these with noise of SD 0.05 "
        f"drawn anew for each trial. (a) Mean over networks, band from the lowest to the highest; "
        f"{sentence(report, NAMES)}. (b) Dots are networks, bars their mean, lines its 95 % interval, diamonds what "
        f"was published. (c) {tests(report, NAMES)}."
    )
    return figure, text.replace("\n", " ")


if __name__ == "__main__":
    main("symmetric_feedback", __doc__, draw)
