"""Figure 6, supplement 1: plateaus that are not synchronous, and what becomes of the test error.

python figures/plateau_timing.py [RUNS] [--out FILE]
"""

from frame import main, new_figure, panels
from learning import describe
from learning import draw as draw_learning
from matplotlib.figure import Figure

from spikelearn.plotting.style import COLOURS, bare

NAMES = {"one-hidden": "synchronous", "jittered-plateaus": "stochastic"}


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    figure = new_figure(12, 6.6)
    top, bottom = figure.subfigures(2, 1, height_ratios=(1, 1.4))
    raster = top.subplots(1, 2, sharex=True, sharey=True)
    for panel, (name, label), colour in zip(raster, NAMES.items(), COLOURS, strict=False):
        start = 0.0
        for trial in report["trials"][name]:
            for times in trial["times"]:
                panel.plot([start + t for t in times], range(len(times)), "|", color=colour, markersize=2)
            for _, _, stop in trial["phases"]:
                panel.axvline(start + stop, color="0.6", linewidth=0.8, linestyle="--", zorder=0)
            start += trial["phases"][-1][2]
        panel.set(xlabel="time (ms)", ylabel="neuron", xlim=(0, start + 1))
        panel.set_title(label, fontsize="medium")
        bare(panel)
    grid = bottom.subplots(1, 3, width_ratios=(1.3, 1, 1))
    draw_learning(grid, report, NAMES)
    panels(figure, (*raster, *grid))
    n = len(report["trials"]["one-hidden"][0]["times"][0])
    return figure, (
        f"Do plateaus have to be synchronous? (a, b) Times of the plateaus of {n} hidden neurons in two trials; "
        "dashed: ends of phases. Stochastic: early by the size of a normal draw of SD 3 ms, in whole ms, at most 5. "
        f"{describe(report, NAMES, 'cde')}"
    )


if __name__ == "__main__":
    main("plateau_timing", __doc__, draw)
