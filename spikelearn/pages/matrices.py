"""Matrices as pictures: receptive fields of neurons, and which class was taken for which."""

import math

import numpy as np
from bokeh.models import FixedTicker, LinearColorMapper, Range1d
from bokeh.palettes import PuOr11, interp_palette
from bokeh.plotting import figure

from spikelearn.pages.panels import hover
from spikelearn.pages.parts import Plot, Table, number
from spikelearn.plotting.style import COLOURS

WEIGHTS = interp_palette(PuOr11, 255)  # matplotlib's PuOr_r, plotting.style.DIVERGING
SHARES = interp_palette(("#ffffff", COLOURS[0]), 256)
NUMBERED = 12  # classes up to which each cell has its number
LISTED = 50  # classes up to which there is a table
WIDTH = 520  # px, at most


def receptive_fields(w: np.ndarray, layer: str, n: int) -> Plot:
    """Draw the weights of the first neurons of a layer from the inputs, on a common scale.

    As images if the number of inputs is a square, else as a row for each neuron. The scale ends at the 99th percentile
    of absolute weights, so that a few do not pale the rest.

    Parameters
    ----------
    w : (neurons, inputs) float array
    layer : str
        Name of the layer.
    n : int
        Number of neurons to draw.
    """
    shown = np.asarray(w, np.float64)[:n]
    side = math.isqrt(shown.shape[1])
    square = side > 1 and side * side == shown.shape[1]
    rows, columns = (side, side) if square else (1, shown.shape[1])
    across = math.ceil(math.sqrt(len(shown))) if square else 1
    fields, neuron = _tiled(shown.reshape(-1, rows, columns), across)
    limit = float(np.percentile(np.abs(shown), 99)) or 1.0
    plot = _image(fields, LinearColorMapper(WEIGHTS, low=-limit, high=limit, nan_color="#00000000"), neuron=neuron)
    plot.axis.visible = False
    hover(plot, [("neuron", "@neuron"), ("weight", "@image{0.000}")])
    what = f"images of {rows} by {columns}" if square else "a row of squares for each neuron"
    which = f"{len(shown)} of {len(w)} neurons" if len(shown) < len(w) else f"all {len(w)} neurons"
    return Plot(
        model=plot,
        caption=f"Weights of {which} of {layer} from the {shown.shape[1]} inputs, as {what}, neuron 0 at the top left.",
        alt=(
            f"Receptive fields of {which} of {layer}: weights from {number(shown.min())} to {number(shown.max())}, "
            f"with a standard deviation of {number(shown.std())}."
        ),
        key=((WEIGHTS[0], f"{-limit:.3g} or less"), ("#f7f7f7", "0"), (WEIGHTS[-1], f"{limit:.3g} or more")),
    )


def confusion(labels: np.ndarray, predictions: np.ndarray, n_classes: int) -> Plot:
    """Draw how many images of each class were predicted to be of which.

    Parameters
    ----------
    labels, predictions : (images,) int array
        Classes from 0.
    n_classes : int
    """
    counts = np.bincount(labels * n_classes + predictions, minlength=n_classes**2).reshape(n_classes, n_classes)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    true, predicted = np.indices(counts.shape)
    # By its square root, an error of a hundredth is a tenth of the way from white to blue.
    plot = _image(
        np.sqrt(share), LinearColorMapper(SHARES, low=0, high=1), count=counts, true=true, predicted=predicted,
        percent=100 * share,
    )  # fmt: skip
    plot.xaxis.axis_label, plot.yaxis.axis_label = "predicted class", "true class"
    step = math.ceil(n_classes / 20)
    plot.axis.ticker = FixedTicker(ticks=list(range(0, n_classes, step)))
    hover(
        plot,
        [
            ("true class", "@true"),
            ("predicted", "@predicted"),
            ("images", "@count"),
            ("of its class", "@percent{0.0} %"),
        ],
    )
    if n_classes <= NUMBERED:
        y, x = np.nonzero(counts)
        plot.text(
            x, y, text=[str(n) for n in counts[y, x]], text_align="center", text_baseline="middle",
            text_color=np.where(share[y, x] > 0.3, "#ffffff", "#000000"), text_font_size="11px",
        )  # fmt: skip
    wrong = 100 * (labels != predictions).mean()
    return Plot(
        model=plot,
        caption=(
            "Predictions of the test images, a row for each true class; the darker, the more of it. Right ones are on "
            "the diagonal."
        ),
        alt=f"Confusion matrix of {len(labels)} test images: {wrong:.2f} % are predicted wrongly{_worst(counts)}.",
        table=_counts(counts) if n_classes <= LISTED else None,
    )


def _worst(counts: np.ndarray) -> str:
    errors = counts * (1 - np.eye(len(counts), dtype=np.int64))
    if not errors.any():
        return ""
    true, predicted = np.unravel_index(int(errors.argmax()), errors.shape)
    return f", most often a {true} as a {predicted} ({errors.max()} images)"


def _counts(counts: np.ndarray) -> Table:
    columns = ["true class", *(f"predicted {k}" for k in range(len(counts)))]
    return Table("Number of test images", columns, [[str(k), *map(str, row)] for k, row in enumerate(counts.tolist())])


def _tiled(fields: np.ndarray, across: int) -> tuple[np.ndarray, np.ndarray]:
    """Put images side by side, `across` in a row, with gaps of NaN; return that, and whose each pixel is."""
    n, rows, columns = fields.shape
    down, gap = math.ceil(n / across), max(1, rows // 12) if rows > 1 else 0
    grid = np.full((down * (rows + gap) - gap, across * (columns + gap) - gap), np.nan)
    owner = np.full(grid.shape, -1)
    for k, field in enumerate(fields):
        top, left = (k // across) * (rows + gap), (k % across) * (columns + gap)
        grid[top : top + rows, left : left + columns] = field
        owner[top : top + rows, left : left + columns] = k
    return grid, owner


def _image(values: np.ndarray, colours: LinearColorMapper, **more: np.ndarray) -> figure:
    """Return a plot of a matrix with its first row at the top; `more` is for hovering."""
    rows, columns = values.shape
    plot = figure(
        x_range=Range1d(-0.5, columns - 0.5), y_range=Range1d(rows - 0.5, -0.5), tools="", toolbar_location=None,
        sizing_mode="scale_width", width=columns * 10, height=rows * 10, max_width=WIDTH,
    )  # fmt: skip
    plot.grid.visible = False
    plot.outline_line_color = None
    plot.axis.axis_label_text_font_style = "normal"
    data = {name: [array.astype(np.float32 if array.dtype.kind == "f" else np.int32)] for name, array in more.items()}
    data["image"] = [values.astype(np.float32)]
    plot.image("image", -0.5, -0.5, columns, rows, source=data, color_mapper=colours)
    return plot
