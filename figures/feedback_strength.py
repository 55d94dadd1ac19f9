"""Not in the paper: test errors with feedback of several kinds and strengths.

python figures/feedback_strength.py [RUNS] [--out FILE]
"""

from frame import main, new_figure, panels
from learning import draw_networks, sentence
from matplotlib.figure import Figure

SPARSE = {
    "one-hidden": "random",
    "sparse": "sparse x 5",
    "gain-2.24": "random,\n2.24 times\nas strong",
    "hidden-rate-2.24": "random,\nhidden rate\nx 2.24",
}
SYMMETRIC = {
    "one-hidden": "random",
    "symmetric": "symmetric",
    "gain-9.2": "random,\n9.2 times\nas strong",
    "hidden-rate-9.2": "random,\nhidden rate\nx 9.2",
}


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    figure = new_figure(12, 7.6)
    upper, lower = (part.subplots(1, 2) for part in figure.subfigures(2, 1))
    all_names = SPARSE | SYMMETRIC
    for axes, names in ((upper, SPARSE), (lower, SYMMETRIC)):
        draw_networks(axes, report, names, top=16, among=all_names)
        axes[1].tick_params(axis="x", rotation=0)
    panels(figure, (*upper, *lower))
    text = (
        "Is it the kind of feedback, or how strong it is? One hidden layer. (a, b) Sparse feedback, and random "
        "feedback as strong, or with a hidden layer that learns as much faster. (c, d) The same for symmetric "
        "feedback, which is 9.2 times as strong in the end. Means over networks, bands from the lowest to the "
        f"highest, dots are networks; {sentence(report, all_names)}."
    )
    return figure, text.replace(",\n", ", ").replace("\n", " ")


if __name__ == "__main__":
    main("feedback_strength", __doc__, draw)
