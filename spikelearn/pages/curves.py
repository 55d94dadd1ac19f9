"""Errors and losses against epochs."""

from collections.abc import Mapping, Sequence
from typing import Any

from bokeh.models import BasicTickFormatter, FixedTicker
from bokeh.plotting import figure

from spikelearn.pages.panels import hover, panel, shared_range, stacked
from spikelearn.pages.parts import Plot, Table, number
from spikelearn.plotting.style import COLOURS

ERRORS = {  # colours of spikelearn.plotting.curves, where they are called 0.6 and C3
    "train_error": ("#999999", "training, while learning"),
    "test_error": ("#d62728", "test"),
}
HEIGHT = 260  # px

Metrics = Sequence[Mapping[str, float]]


def error_curves(metrics: Metrics) -> Plot:
    """Draw training and test error against epochs.

    Parameters
    ----------
    metrics : sequence of mappings
        Rows with ``epoch`` and ``train_error``, ``test_error`` or both, errors in percent; at least one.
    """
    labels = {name: label for name, (_, label) in ERRORS.items() if name in metrics[0]}
    plot = _epochs(metrics, "error (%)")
    for name, label in labels.items():
        _curve(plot, metrics, name, ERRORS[name][0], label)
    plot.y_range.start = 0
    hover(plot, [("", "$name"), ("epoch", "@x"), ("error", "@y{0.00} %")])
    return Plot(
        model=stacked([plot], "epoch"),
        caption=f"Errors of each epoch: {'; '.join(labels.values())}.",
        alt=f"Errors over {len(metrics)} epochs: {'; '.join(_course(metrics, *each) for each in labels.items())}.",
        key=[ERRORS[name] for name in labels],
        x_range=plot.x_range,
        table=_table(metrics, {name: f"{label} (%)" for name, label in labels.items()}, "Errors"),
    )


def _course(metrics: Metrics, name: str, label: str) -> str:
    """Say in words how an error went."""
    lowest = min(metrics, key=lambda row: row[name])
    return (
        f"{label} from {metrics[0][name]:.2f} % to {metrics[-1][name]:.2f} %, lowest {lowest[name]:.2f} % in epoch "
        f"{lowest['epoch']}"
    )


def loss_curves(metrics: Metrics) -> Plot:
    """Draw the mean loss of each layer against epochs, on a logarithmic scale if none is 0.

    Parameters
    ----------
    metrics : sequence of mappings
        Rows with ``epoch`` and ``loss_0``, ``loss_1``, ..., the lowest layer first; at least one.
    """
    names = [name for name in metrics[0] if name.startswith("loss_")]
    losses = [row[name] for row in metrics for name in names]
    plot = _epochs(metrics, "loss", y_axis_type="log" if min(losses) > 0 else "linear")
    if min(losses) > 0:
        steps = (1, 2, 5) if max(losses) < 1000 * min(losses) else (1,)
        plot.yaxis.ticker = FixedTicker(ticks=[step * 10.0**power for power in range(-12, 7) for step in steps])
        plot.yaxis.formatter = BasicTickFormatter()
    labels = {name: _layer(k, len(names)) for k, name in enumerate(names)}
    key = [(COLOURS[k % len(COLOURS)], label) for k, label in enumerate(labels.values())]
    for name, (colour, label) in zip(names, key, strict=True):
        _curve(plot, metrics, name, colour, label)
    hover(plot, [("", "$name"), ("epoch", "@x"), ("loss", "@y")])
    changes = [f"{labels[name]} from {number(metrics[0][name])} to {number(metrics[-1][name])}" for name in names]
    return Plot(
        model=stacked([plot], "epoch"),
        caption=(
            "Mean loss of each layer in each epoch: of hidden layers the squared difference of the plateau potentials, "
            "of the outputs that of the rates, in (spikes/ms)²."
        ),
        alt=f"Mean losses over {len(metrics)} epochs: {'; '.join(changes)}.",
        key=key,
        x_range=plot.x_range,
        table=_table(metrics, labels, "Mean losses"),
    )


def _layer(k: int, n: int) -> str:
    return "output" if k == n - 1 else f"hidden[{k}]"


def _epochs(metrics: Metrics, label: str, **options: Any) -> figure:
    epochs = [row["epoch"] for row in metrics]
    plot = panel(shared_range(min(epochs) - 0.5, max(epochs) + 0.5), label, HEIGHT, **options)
    plot.xaxis.ticker.min_interval = 1  # there are no half epochs
    return plot


def _curve(plot: figure, metrics: Metrics, name: str, colour: str, label: str) -> None:
    x, y = [row["epoch"] for row in metrics], [row[name] for row in metrics]
    plot.line(x, y, color=colour, line_width=2, name=label)
    plot.scatter(x, y, color=colour, size=5, name=label)


def _table(metrics: Metrics, labels: Mapping[str, str], caption: str) -> Table:
    rows = [[str(row["epoch"]), *(number(float(row[name])) for name in labels)] for row in metrics]
    return Table(f"{caption} by epoch", ["epoch", *labels.values()], rows)
