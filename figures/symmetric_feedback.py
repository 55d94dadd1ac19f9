"""Figure 8D: test errors with random feedback, with the transposed forward weights, and with these plus noise.

python figures/symmetric_feedback.py [RUNS] [--out FILE]
"""

from frame import main
from learning import learning_figure
from matplotlib.figure import Figure

NAMES = {"one-hidden": "random", "symmetric": "symmetric", "symmetric-noisy": "symmetric\n+ noise"}


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    return learning_figure(
        report,
        NAMES,
        "One hidden layer; feedback weights random, or the transposed forward weights, or these with noise of SD 0.05 "
        "drawn anew for each trial.",
    )


if __name__ == "__main__":
    main("symmetric_feedback", __doc__, draw)
