"""Figure 4B: the distribution of the lengths of phases, and those of the first training examples.

python figures/phase_lengths.py [RUNS] [--out FILE]
"""

import numpy as np
from frame import main, new_figure, panels
from matplotlib.figure import Figure

from spikelearn.plotting.style import COLOURS, bare


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    figure = new_figure(8, 5.4)
    top, bottom = figure.subplots(2, 1, height_ratios=(2, 1))
    edges, count = np.array(report["edges"]), np.array(report["count"])
    density = count / report["n"] / np.diff(edges)
    top.stairs(density, edges, fill=True, color=COLOURS[0], alpha=0.45, label="drawn")
    extra = np.linspace(0.05, edges[-1] - report["minimum"], 400)
    mean, shape = report["extra_mean"], report["extra_shape"]
    wald = np.sqrt(shape / (2 * np.pi * extra**3)) * np.exp(-shape * (extra - mean) ** 2 / (2 * mean**2 * extra))
    top.plot(report["minimum"] + extra, wald, color=COLOURS[1], label="inverse Gaussian, shifted")
    top.set(xlabel="length of a phase (ms)", ylabel="density (1/ms)", xlim=(report["minimum"] - 1, edges[-1]))
    top.legend(frameon=False)
    start = 0.0
    for lengths in report["examples"]:
        for k, (length, name) in enumerate(zip(lengths, ("forward", "target"), strict=True)):
            bottom.barh(0, length, left=start, color=COLOURS[k], alpha=0.6, label=name if start < 100 else None)
            start += length
    bottom.set(xlabel="time (ms)", yticks=[], xlim=(0, start))
    bottom.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    panels(figure, (bare(top), bare(bottom)))
    five, half, most = report["quantiles"].values()
    return figure, (
        f"Phases last at least {report['minimum']:.0f} ms and an inverse Gaussian time more (mean {mean:g} ms, shape "
        f"{shape:g} ms), drawn anew for each. (a) {report['n']:,} lengths and the density they are drawn from, in bins "
        f"of {edges[1] - edges[0]:g} ms: mean {report['mean']:.2f}, median {half:.1f}, 5 to 95 % {five:.1f} to "
        f"{most:.1f} ms; {100 * report['up_to_60']:.1f} % are at most 60 ms, {report['beyond']} beyond the axis. "
        f"(The clock cuts what is drawn to whole steps, 0.5 ms on average.) "
        f"(b) Phases of the first {len(report['examples'])} training examples, seed 1."
    )


if __name__ == "__main__":
    main("phase_lengths", __doc__, draw)
