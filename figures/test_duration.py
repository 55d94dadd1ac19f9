"""Not in the paper: test error against the time an image is shown, and the spikes that takes.

python figures/test_duration.py [RUNS] [--out FILE]
"""

import numpy as np
from frame import layer_name, main, networks, new_figure, panels
from matplotlib.figure import Figure

from spikelearn.plotting.style import COLOURS, bare

NAMES = {"one-hidden": "one hidden layer", "two-hidden": "two hidden layers"}
USUAL = (250.0, 500.0)  # ms: of the released code, and of the text


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    figure = new_figure(12, 4)
    grid = figure.subplots(1, 3)
    left, middle, right = grid
    duration, parts = np.array(report["duration"]), []
    for colour, (name, label) in zip(COLOURS, NAMES.items(), strict=False):
        runs = report["conditions"][name]
        error = np.array([run["test_error"] for run in runs])
        spikes = {layer: np.mean([run["spikes"][layer] for run in runs], axis=0) for layer in runs[0]["spikes"]}
        beyond = sum(count for layer, count in spikes.items() if layer != "input")
        for panel, x in ((left, duration), (middle, beyond)):
            panel.fill_between(x, error.min(axis=0), error.max(axis=0), color=colour, alpha=0.25, linewidth=0)
            panel.plot(x, error.mean(axis=0), ".-", color=colour, label=label)
        for layer, style in zip([*spikes][1:], ("-", "--", ":"), strict=False):
            right.plot(duration, spikes[layer], style, color=colour, label=f"{label.split()[0]}: {layer_name(layer)}")
        ours = [error[:, duration.tolist().index(ms)].mean() for ms in (duration[0], *USUAL)]
        parts.append(
            f"{label} ({networks(len(runs))}): {ours[0]:.2f} % at {duration[0]:.0f} ms, {ours[1]:.2f} at 250 ms, "
            f"{ours[2]:.2f} at 500 ms"
        )
    right.plot(duration, spikes["input"], color="black", label="inputs")
    left.set(xlabel="time an image is shown (ms)", ylabel="test error (%)", ylim=(0, None))
    middle.set(xlabel="spikes of hidden and output neurons", ylabel="test error (%)", ylim=(0, None), xlim=(0, None))
    middle.xaxis.set_major_formatter("{x:,.0f}")
    right.set(xlabel="time an image is shown (ms)", ylabel="spikes of a layer", yscale="log")
    for ms in USUAL:
        left.axvline(ms, color="0.6", linewidth=0.8, linestyle="--", zorder=0)
    for panel in grid:
        panel.legend(frameon=False, fontsize="small")
        bare(panel)
    panels(figure, grid)
    return figure, (
        "How long must one look? Trained networks tested with images that are shown for 50 to 500 ms; potentials are "
        f"averaged from 30 ms on. (a) Test error, mean over networks and range; dashed: the 250 ms of the released "
        f"code and the 500 ms of the text. {'; '.join(parts)}. (b) The same against the mean number of "
        f"spikes of hidden and "
        "output neurons for an image. (c) Spikes of each layer."
    )


if __name__ == "__main__":
    main("test_duration", __doc__, draw)
