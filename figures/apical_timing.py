"""The paper's figure 10, simulated: how basal weights change when a burst reaches the apical dendrite early or late.

python figures/apical_timing.py [RUNS] [--out FILE]
"""

import numpy as np
from frame import main, new_figure, panels
from matplotlib.figure import Figure

from spikelearn.plotting.style import COLOURS, bare

NAMES = {"one-hidden": "released reading", "one-hidden-text": "reading of the text"}


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    figure = new_figure(11, 4)
    grid = figure.subplots(1, 2, sharey=True)
    onset, parts = np.array(report["onset"]), []
    for panel, (name, label) in zip(grid, NAMES.items(), strict=True):
        found = report["conditions"][name]
        mean, low, high = (1e3 * np.array(found[key]) for key in ("mean", "low", "high"))
        panel.fill_between(onset, low, high, color=COLOURS[0], alpha=0.25, linewidth=0)
        panel.plot(onset, mean, color=COLOURS[0])
        for end in (0, report["phase"]):
            panel.axvspan(end - found["window"], end, color="0.9", zorder=0)
        panel.axhline(0, color="0.3", linewidth=0.8)
        panel.axvline(0, color="0.6", linewidth=0.8, linestyle="--", zorder=0)
        panel.annotate(label, (0.04, 0.92), xycoords="axes fraction")
        panel.annotate("forward phase", (0.25, 1.02), xycoords="axes fraction", ha="center")
        panel.annotate("target phase", (0.75, 1.02), xycoords="axes fraction", ha="center")
        panel.set(
            xlabel="onset of the apical burst (ms, 0: end of the forward phase)",
            ylabel="change of a basal weight (1e-3)",
            xlim=(-report["phase"], report["phase"]),
        )
        bare(panel)
        parts.append(
            f"{label}: {mean.min():.3g}e-3 at {onset[mean.argmin()]:g} ms, {mean.max():+.3g}e-3 at "
            f"{onset[mean.argmax()]:g} ms (n = {found['n']} neurons)"
        )
    panels(figure, grid)
    return figure, (
        "The proposed experiment, simulated. Trained networks with one hidden layer see images; the only input to the "
        f"apical dendrites is a burst of {len(report['burst'])} spikes within {report['burst'][-1] + 2:g} ms of the "
        "output that excites the neuron most. What the local rule then adds to a basal weight, averaged over active "
        "inputs, against the onset of the burst: line, mean over neurons; band, 10 to 90 % of neurons; grey, windows "
        f"over which plateaus are averaged. Lowest and highest mean: {'; '.join(parts)}, one "
        "network of each reading (seed 1)."
    )


if __name__ == "__main__":
    main("apical_timing", __doc__, draw)
