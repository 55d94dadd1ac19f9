"""Not in the paper: how deep each rule reaches.

python figures/depth.py [RUNS] [--out FILE]
"""

from statistics import fmean

from frame import main, new_figure, panels
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from rule_panels import NAMES, diverged, last, seeds

from spikelearn.plotting.comparison import styles


def angles(results: list[dict], rule: str) -> list[float | None]:
    """Return the mean over seeds of a rule's angle in each hidden layer, None where there is none."""
    found = [result["angle"] for result in results if result["rule"] == rule and result["diverged"] is None]
    columns = ([value for value in column if value is not None] for column in zip(*found, strict=True))
    return [fmean(column) if column else None for column in columns]


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    comparisons = {int(depth): found for depth, found in report["comparisons"].items()}
    deepest = max(comparisons)
    rules = list(dict.fromkeys(result["rule"] for found in comparisons.values() for result in found["results"]))
    look = {rule: {"marker": "o", "markersize": 3.5, **style} for rule, style in styles(rules).items()}
    figure = new_figure(13, 4.4)
    grid = figure.subplots(1, 3)
    for rule in rules:
        errors = {depth: values for depth, found in comparisons.items() if (values := last(found["results"]).get(rule))}
        grid[0].plot(list(errors), [fmean(values) for values in errors.values()], label=NAMES[rule], **look[rule])
        lowest = {depth: angles(found["results"], rule)[:1] for depth, found in comparisons.items()}
        known = {depth: found[0] for depth, found in lowest.items() if found and found[0] is not None}
        grid[1].plot(list(known), list(known.values()), **look[rule])
        layers = angles(comparisons[deepest]["results"], rule)
        places = [k for k, value in enumerate(layers) if value is not None]
        grid[2].plot([k + 1 for k in places], [layers[k] for k in places], **look[rule])
    grid[0].set(xlabel="hidden layers", ylabel="test error (%)", ylim=(0, None))
    grid[1].set(xlabel="hidden layers", ylabel="angle to backprop, lowest layer (deg)")
    grid[2].set(xlabel=f"hidden layer of {deepest}, lowest first", ylabel="angle to backprop (deg)")
    for axes in grid:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.spines[["top", "right"]].set_visible(False)
    for axes in grid[1:]:
        axes.axhline(90, color="0.85", linewidth=1, zorder=0)
        axes.set_ylim(-4, 120)
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False)
    panels(figure, grid)
    found = comparisons[deepest]
    first, end = (", ".join(told(comparisons[depth], rules)) for depth in (min(comparisons), deepest))
    text = (
        f"Depth. {found['data']}, hidden layers of {found['sizes'][1]} units, {found['epochs']} epochs, means over "
        f"{seeds(found)}. (a) Test error after the last epoch; with {min(comparisons)} hidden layer: {first}; with "
        f"{deepest}: {end}. (b) Angle of the teaching signal in the lowest hidden layer to that of backpropagation for "
        f"the same weights; rules without a teaching signal have no line. (c) The same in each layer of the deepest "
        f"network. Rates are those found with two hidden layers; the spiking network has rates for one and two."
        f"{diverged(report['comparisons'])}"
    )
    return figure, text


def told(found: dict, rules: list[str]) -> list[str]:
    """Return for each rule its name and mean error."""
    errors = last(found["results"])
    return [f"{NAMES[rule]} {fmean(errors[rule]):.1f} %" for rule in rules if errors.get(rule)]


if __name__ == "__main__":
    main("depth", __doc__, draw)
