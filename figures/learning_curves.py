"""Figure 6B: test errors with no, one and two hidden layers.

python figures/learning_curves.py [RUNS] [--out FILE]
"""

from frame import main
from learning import learning_figure
from matplotlib.figure import Figure

NAMES = {"no-hidden": "none", "one-hidden": "one", "two-hidden": "two"}


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    return learning_figure(
        report,
        NAMES,
        "Do hidden layers help? Number of hidden layers (784-10, 784-500-10, 784-500-100-10), clock engine, released "
        "reading.",
    )


if __name__ == "__main__":
    main("learning_curves", __doc__, draw)
