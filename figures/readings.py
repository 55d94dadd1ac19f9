"""Not in the paper: test errors in both readings of it, and with both engines.

python figures/readings.py [RUNS] [--out FILE]
"""

from frame import main
from learning import learning_figure
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
    return learning_figure(
        report,
        NAMES,
        "What readings and engines do. Number of hidden layers, reading, and engine where it is not the clock.",
        width=14,
    )


if __name__ == "__main__":
    main("readings", __doc__, draw)
