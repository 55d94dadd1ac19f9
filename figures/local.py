"""Not in the paper: dense and locally connected layers, after Bartunov et al. (2018).

python figures/local.py [RUNS] [--out FILE]
"""

from frame import main, new_figure, panels
from matplotlib.figure import Figure
from rule_panels import NAMES, diverged, last, seeds

from spikelearn.plotting.comparison import final_errors, styles

# Test errors on MNIST, percent: the best of 500 epochs on the test images (Bartunov et al. 2018).
PUBLISHED = {
    "mnist, dense": {
        "bp": 1.48, "fa": 1.85, "dfa": 2.75, "dtp": 1.83, "dtp-parallel": 2.86, "sdtp": 2.28, "sdtp-parallel": 3.52,
        "ao-sdtp": 1.86, "ao-sdtp-parallel": 2.93,
    },
    "mnist, local": {
        "bp": 1.17, "fa": 1.26, "dfa": 2.05, "dtp": 1.46, "dtp-parallel": 1.52, "sdtp": 1.90, "sdtp-parallel": 1.98,
        "ao-sdtp": 1.91, "ao-sdtp-parallel": 1.92,
    },
}  # fmt: skip


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    comparisons = report["comparisons"]
    figure = new_figure(13, 3.4 * ((len(comparisons) + 1) // 2))
    grid = figure.subplots(-(-len(comparisons) // 2), 2, squeeze=False).ravel()
    parts = []
    for letter, axes, (name, found) in zip("abcd", grid, comparisons.items(), strict=False):
        errors = last(found["results"])
        final_errors(axes, errors, PUBLISHED.get(name, {}), styles(list(errors)))
        axes.set_yticklabels([NAMES[label.get_text()] for label in axes.get_yticklabels()])
        axes.set_title(name, fontsize="medium")
        parts.append(f"({letter}) {name}: {'-'.join(map(str, found['sizes']))}, {found['epochs']} epochs.")
    panels(figure, grid)
    text = (
        f"Dense and locally connected layers, {seeds(next(iter(comparisons.values())))}: test error after the last "
        f"epoch, every network (dots) and the mean (bar); diamonds: published, the best of 500 epochs on the test "
        f"images, with rates searched for each. {' '.join(parts)}{diverged(comparisons)}"
    )
    return figure, text


if __name__ == "__main__":
    main("local", __doc__, draw)
