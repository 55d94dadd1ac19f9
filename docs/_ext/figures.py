"""Figures of tutorials that matplotlib's pyplot does not know: those that recordings draw."""

from typing import Any

from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst


def scrape(block: tuple[Any, ...], variables: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Save what the tutorial calls ``figure``, if this part of it made it, and return the text that shows it."""
    figure = variables["example_globals"].get("figure")
    known = isinstance(figure, Figure) and plt.fignum_exists(getattr(figure, "number", -1))
    if not isinstance(figure, Figure) or known or "figure = " not in block[1]:
        return ""
    path = next(variables["image_path_iterator"])
    figure.savefig(path, dpi=100)
    return figure_rst([path], gallery_conf["src_dir"])
