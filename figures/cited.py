"""Not in the paper: test errors with the fixed apical bias of the code that the paper cites.

python figures/cited.py [RUNS] [--out FILE]
"""

from frame import main
from learning import learning_figure
from matplotlib.figure import Figure

NAMES = {
    "one-hidden-cited": "one",
    "two-hidden-cited": "two",
    "sparse-cited": "one, sparse x 5",
    "symmetric-cited": "one, symmetric",
    "symmetric-noisy-cited": "one, symmetric + noise",
}


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    return learning_figure(
        report,
        NAMES,
        "What the fixed apical bias of the cited code does. Number of hidden layers; kind of feedback where it is not "
        "random; clock engine, cited reading.",
        width=14,
    )


if __name__ == "__main__":
    main("cited", __doc__, draw)
