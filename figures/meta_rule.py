"""Not in the paper: a local rule that is learned itself, and what is it worth on data that it has not seen.

python figures/meta_rule.py [RUNS] [--out FILE]
"""

import numpy as np
from frame import main, new_figure, panels
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikelearn.plotting.style import COLOURS, bare

CHANCE = 90.0  # percent of ten classes wrong
TICKS = (1, 3, 10, 30, 100)


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    figure, tests = new_figure(4 + 2.6 * len(report["tests"]), 3.9), report["tests"]
    search, *others = figure.subplots(1, 1 + len(tests), width_ratios=(1.2, *(1 for _ in tests)))
    for found in report["searches"]:
        search.plot(np.arange(1, len(found["loss"]) + 1), found["loss"], linewidth=1, color=COLOURS[0], alpha=0.7)
    search.set(xlabel="generation", ylabel="loss on held-out digits (nats)")
    search.set_ylim(bottom=0)
    bare(search)
    for axes, (name, test) in zip(others, tests.items(), strict=True):
        final_errors(axes, last_errors(test))
        axes.set_title(name.replace(", ", ",\n"), fontsize="medium")
    for axes in others[1:]:
        axes.set_yticklabels([])
    panels(figure, (search, *others))
    return figure, caption(report)


def last_errors(test: dict) -> dict[str, np.ndarray]:
    """Return each rule's errors after the last epoch, chance where it diverged; one for each seed."""
    runs = test["test_error"]
    return {name: np.array([CHANCE if run[name][-1] is None else run[name][-1] for run in runs]) for name in runs[0]}


def final_errors(axes: Axes, errors: dict[str, np.ndarray]) -> None:
    """Draw every seed as a dot, their mean as a bar, the first rule on top."""
    for place, values in enumerate(errors.values()):
        axes.plot(
            values, np.full(len(values), place), "o", color=COLOURS[place % len(COLOURS)], markersize=4, alpha=0.6
        )
        axes.plot(values.mean(), place, "|", color="black", markersize=14)
    axes.set_yticks(range(len(errors)), errors)
    axes.invert_yaxis()
    axes.set(xlabel="test error (%)", xscale="log", xlim=(1, 100))
    axes.minorticks_off()
    axes.set_xticks(TICKS, TICKS)
    bare(axes)


def caption(report: dict) -> str:
    """Return the caption, from the results themselves."""
    searches, n = report["searches"], len(report["searches"])
    first, last = (np.mean([found["loss"][at] for found in searches]) for at in (0, -1))
    parts = []
    for name, test in report["tests"].items():
        means = ", ".join(f"{rule} {errors.mean():.2f}" for rule, errors in last_errors(test).items())
        parts.append(f"{name} ({'-'.join(map(str, test['sizes']))} hidden units, {test['epochs']} epochs): {means}")
    return (
        f"Can a local rule be learned? (a) Loss after {report['steps']} minibatches, the mean over the rules of a "
        f"generation: {first:.2f} nats at first, {last:.2f} in the end ({n} search{'es' if n > 1 else ''}). (b to "
        f"{'abcdefg'[len(parts)]}) Test error on permuted images after the last epoch, dots are seeds, bars "
        f"their means: {'; '.join(parts)}."
    )


if __name__ == "__main__":
    main("meta_rule", __doc__, draw)
