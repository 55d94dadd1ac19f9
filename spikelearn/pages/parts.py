"""What a page consists of: sections of plots and tables, in plain words and as models of Bokeh."""

from collections.abc import Sequence
from typing import NamedTuple

from bokeh.models import LayoutDOM, Range1d


class Table(NamedTuple):
    """Text in rows; the first cell of a row is its heading."""

    caption: str
    columns: Sequence[str]  # headings; none: there are two columns that need none
    rows: Sequence[Sequence[str]]


class Plot(NamedTuple):
    """A picture, and what it shows for those who do not see it."""

    model: LayoutDOM
    caption: str  # below it: what is drawn, and how
    alt: str  # what there is to see, in a sentence or two
    key: Sequence[tuple[str, str]] = ()  # colours and what they mean
    x_range: Range1d | None = None  # what keys move
    table: Table | None = None  # the numbers, to be unfolded


class Section(NamedTuple):
    """A part of a page with a heading of its own."""

    title: str
    text: str = ""
    parts: Sequence[Plot | Table] = ()


def number(value: float) -> str:
    """Write a number as people read it."""
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
