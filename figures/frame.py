"""What every figure shares: its command line, letters on its panels, and the files it writes."""

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

RESULTS = Path(__file__).parents[1] / "experiments" / "results"
FIGURES = Path(__file__).parent

Draw = Callable[[dict[str, Any]], tuple[Figure, str]]


def main(name: str, text: str, draw: Draw) -> None:
    """Draw a figure from the command line: read results, write PNG, PDF and the caption, print the caption.

    Parameters
    ----------
    name : str
        Of the experiment whose results are drawn, and of the files written.
    text : str
        What is shown as help.
    draw : callable
        Returns the figure and its caption, given the results.
    """
    parser = argparse.ArgumentParser(description=text.splitlines()[0], allow_abbrev=False)
    parser.add_argument(
        "runs", nargs="?", type=Path, default=RESULTS, metavar="RUNS",
        help=f"folder with {name}.json, or that file (default: the committed results)",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, default=FIGURES / f"{name}.png", metavar="FILE",
        help="picture; .pdf and .txt, the caption, are written beside it (default: beside this script)",
    )  # fmt: skip
    options = parser.parse_args()
    path = options.runs / f"{name}.json" if options.runs.is_dir() else options.runs
    if not path.is_file():
        sys.exit(f"{name}: error: no results at {path}; run python experiments/{name}.py and give its --out as RUNS")
    figure, caption = draw(json.loads(path.read_text()))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    for ending in (".png", ".pdf"):
        figure.savefig(options.out.with_suffix(ending), dpi=150)
    options.out.with_suffix(".txt").write_text(caption + "\n")
    print(caption)


def panels(figure: Figure, axes: Iterable[Axes]) -> None:
    """Name the panels a, b, c ... above their left corners."""
    for letter, panel in zip("abcdefghij", axes, strict=False):
        panel.set_title(letter, loc="left", fontweight="bold")


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches; without pyplot, so without a display."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def layer_name(name: str) -> str:
    """Return what people call a layer that recordings call ``hidden[0]``."""
    words = {"hidden[0]": "first hidden layer", "hidden[1]": "second hidden layer"}
    return words.get(name, f"{name}s")


def networks(n: int) -> str:
    """Say how many networks."""
    return "1 network" if n == 1 else f"{n} networks (seeds 1 to {n})"
