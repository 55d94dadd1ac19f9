"""The frame of all plots: tools, hover, sizes, an x-axis that several share."""

from collections.abc import Sequence
from typing import Any

from bokeh.layouts import gridplot
from bokeh.models import (
    BoxZoomTool,
    GridPlot,
    HoverTool,
    PanTool,
    Range1d,
    ResetTool,
    SaveTool,
    WheelZoomTool,
)
from bokeh.plotting import figure

BORDER = 64  # px at the left for the numbers of the axis, so that panels of one page are in line


def shared_range(start: float, stop: float) -> Range1d:
    """Return an x-axis, for one panel or several; zooming and panning keep within its ends."""
    return Range1d(start, stop, bounds=(start, stop))


def panel(x_range: Range1d, label: str, height: int, **options: Any) -> figure:
    """Return an empty panel as wide as the page.

    On a touch screen a finger that moves over it moves the page; with a mouse the wheel does, and zooms with Ctrl.

    Parameters
    ----------
    x_range : Range1d
    label : str
        Of the y-axis.
    height : int
        px
    """
    wheel = WheelZoomTool(dimensions="width", modifiers={"ctrl": True})
    plot = figure(
        x_range=x_range,
        height=height,
        sizing_mode="stretch_width",
        tools=[PanTool(dimensions="width"), BoxZoomTool(dimensions="width"), wheel, ResetTool(), SaveTool()],
        active_drag=None,
        active_scroll=wheel,
        y_axis_label=label,
        min_border_left=BORDER,
        **options,
    )
    plot.toolbar.logo = None
    plot.outline_line_color = None
    plot.grid.grid_line_alpha = 0.4
    plot.axis.minor_tick_line_color = None
    plot.axis.axis_label_text_font_style = "normal"
    return plot


def hover(plot: figure, tooltips: Sequence[tuple[str, str]], **options: Any) -> None:
    """Show numbers under the pointer."""
    plot.add_tools(HoverTool(tooltips=list(tooltips), visible=False, **options))


def stacked(plots: Sequence[figure], x_label: str) -> GridPlot:
    """Put panels that share their x-axis one above the other, below one set of tools."""
    for plot in plots[:-1]:
        plot.xaxis.visible = False
    plots[-1].xaxis.axis_label = x_label
    plots[-1].height += 45  # the axis itself
    return gridplot([[plot] for plot in plots], sizing_mode="stretch_width", toolbar_location="above")
