"""Figure 5, supplement 1: the condition of Theorem 1 during the first epoch, and U before and after.

python figures/contraction.py [RUNS] [--out FILE]
"""

import numpy as np
from frame import main, networks, new_figure, panels
from matplotlib.figure import Figure

from spikelearn.plotting.jacobians import eigenvalue_curves, matrix_image

NAMES = ("mean of products", "product of means")


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    figure, runs = new_figure(12, 3.9), report["runs"]
    left, before, after = figure.subplots(1, 3, width_ratios=(1.3, 1, 1))
    example = runs[0]["example"]
    curves = {name: np.array([run[name] for run in runs]) for name in NAMES}
    eigenvalue_curves(left, example, {name: values.mean(axis=0) for name, values in curves.items()})
    left.lines[1].set_linestyle(":")  # the two all but coincide
    left.legend(frameon=False)
    left.set_ylim(0, 1.1 * float(np.max([curves[name].mean(axis=0) for name in NAMES])))
    limit = float(np.abs(runs[0]["U"]).max())
    for panel, u, title in zip((before, after), runs[0]["U"], ("first 100 examples", "last 100 examples"), strict=True):
        matrix_image(panel, u, limit)
        panel.set_title(title, fontsize="medium")
    panels(figure, (left, before, after))
    parts = []
    for name, values in curves.items():
        below = [100 * float((run < 1).mean()) for run in values]
        parts.append(
            f"{name}: {values[:, 0].mean():.2f} at first, {values[:, -1].mean():.2f} in the end, smallest "
            f"{values.min():.2f}, below 1 in {np.mean(below):.0f} % of the epoch"
        )
    diagonal = np.array([run["diagonal"] for run in runs])
    return figure, (
        "Does feedback come to invert the way up? One hidden layer, first epoch, released reading. (a) Largest "
        f"eigenvalue of (I - U)^T (I - U), U from every {report['window']} examples, mean over {networks(len(runs))}; "
        f"{'; '.join(parts)}. (b, c) U of seed 1 over the first and the last {report['window']} examples; its mean "
        f"diagonal goes from {diagonal[:, 0].mean():.3f} to {diagonal[:, -1].mean():.3f} (mean over networks)."
    )


if __name__ == "__main__":
    main("contraction", __doc__, draw)
