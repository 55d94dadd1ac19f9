"""Not in the paper: test errors in both readings of it, and with both engines.

python figures/readings.py [RUNS] [--out FILE]
"""

from frame import main
from learning import learning_figure
from matplotlib.figure import Figure

NAMES = {
    "one-hidden": "one",
    "one-hidden-event": "one, event",
    "no-hidden-text": "none, text",
    "one-hidden-text": "one, text",
    "two-hidden-text": "two, text",
}


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    figure, caption = learning_figure(
        report,
        NAMES,
        "What readings and engines do. Number of hidden layers; the released reading and the clock where no other "
        "reading or engine is named.",
        width=14,
    )
    figure.axes[0].legend(ncols=2, loc="upper right", frameon=False)
    return figure, caption


if __name__ == "__main__":
    main("readings", __doc__, draw)
