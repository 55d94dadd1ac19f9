"""Figure 5B and C: losses of the hidden and of the output layer, and their correlation by digit and epoch.

python figures/losses.py [RUNS] [--out FILE]
"""

import numpy as np
from frame import main, networks, new_figure, panels
from matplotlib.figure import Figure

from spikelearn.plotting.losses import loss_scatter
from spikelearn.plotting.style import CHANCE, COLOURS, bare

LABELS = {"one-hidden": "hidden layer learns", "output-only": "hidden layer frozen"}


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    figure = new_figure(12, 4.2)
    left, *right = figure.subplots(1, 3, width_ratios=(1, 1.1, 1.1))
    scatter = report["scatter"]
    shuffled = np.random.default_rng(1).permutation(scatter["hidden"])
    loss_scatter(left, scatter["hidden"], scatter["output"], shuffled)
    parts = []
    for k, (panel, (name, label)) in enumerate(zip(right, LABELS.items(), strict=True)):
        runs = report["conditions"][name]
        r = np.array([run["r"] for run in runs], float)  # (seeds, epochs, digits)
        low = np.min([run["shuffled_low"] for run in runs], axis=(0, 2))
        high = np.max([run["shuffled_high"] for run in runs], axis=(0, 2))
        epochs = np.arange(1, r.shape[1] + 1)
        panel.fill_between(epochs, low, high, color=CHANCE, alpha=0.5, linewidth=0, label="shuffled, 95 %")
        spread = np.linspace(-0.25, 0.25, r.shape[2])
        for digit in range(r.shape[2]):
            panel.plot(
                epochs + spread[digit], r[:, :, digit].mean(axis=0), "o", markersize=3.5, color=COLOURS[k],
                label="a digit" if digit == 0 else None,
            )  # fmt: skip
        panel.plot(epochs, np.nanmean(r, axis=(0, 2)), color="black", linewidth=1.2, label="mean")
        panel.axhline(0, color="0.3", linewidth=0.8)
        panel.set(xlabel="epoch", ylabel="correlation of $L^0$ and $L^1$ (r)", ylim=(-0.2, 0.8), xticks=epochs)
        panel.set_title(label, fontsize="medium")
        panel.legend(frameon=False, loc="upper right", ncols=3, fontsize="small", columnspacing=1)
        bare(panel)
        later = r[:, 1:]
        parts.append(
            f"{label}: mean {np.nanmean(r[:, 0]):.2f} in the first epoch, {np.nanmean(later):.2f} later, "
            f"{np.nanmin(later):.2f} to {np.nanmax(later):.2f} over digits, epochs and seeds"
        )
    panels(figure, (left, *right))
    n = len(report["conditions"]["one-hidden"])
    r2 = np.corrcoef(scatter["hidden"], scatter["output"])[0, 1]
    return figure, (
        f"Are the losses of the hidden layer those of the output? (a) Every {scatter['label']} that was learned "
        f"from in epoch {scatter['epoch']} (seed 1, the first {len(scatter['hidden'])} of them), r = "
        f"{r2:.2f} (published "
        f"0.61), and with hidden losses paired anew. (b) Correlation within each digit and epoch, mean of "
        f"{networks(n)}; "
        f"grey: 95 % of shuffles. (c) The same for a network whose hidden weights stay as they were drawn. "
        f"{'; '.join(parts)}. Published: most between 0.2 and 0.6, lower in the first epoch."
    )


if __name__ == "__main__":
    main("losses", __doc__, draw)
