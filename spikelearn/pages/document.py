"""Sections to one HTML file: BokehJS, the plots' data and all styles stand in it, so it opens without a network."""

from collections.abc import Sequence
from pathlib import Path

import bokeh
from bokeh.embed import components
from bokeh.resources import Resources
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from spikelearn.errors import InputError
from spikelearn.pages.parts import Plot, Section, Table
from spikelearn.storage import version, write_text

FOLDER = Path(__file__).parent
LIMIT = 10_000_000  # bytes of a page, so that it can be sent by mail and opens at once


def render(title: str, sections: Sequence[Section]) -> str:
    """Return a page as HTML.

    Text is escaped; plots go into it as Bokeh's JSON, whose text is escaped by Bokeh.
    """
    plots = [part for section in sections for part in section.parts if isinstance(part, Plot)]
    script, places = components({plot.model.id: plot.model for plot in plots}) if plots else ("", {})
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.tests["table"] = lambda part: isinstance(part, Table)
    return environment.get_template("page.html").render(
        title=title,
        sections=sections,
        places={name: Markup(place) for name, place in places.items()},
        style=Markup((FOLDER / "page.css").read_text(encoding="utf-8")),
        keys=Markup((FOLDER / "keys.js").read_text(encoding="utf-8")),
        library=Markup(Resources("inline", components=["bokeh"]).render()),
        script=Markup(script),
        versions=f"spikelearn {version()} and Bokeh {bokeh.__version__}",
    )


def write(path: str | Path, title: str, sections: Sequence[Section]) -> None:
    """Write a page, which replaces what was at `path` at once or not at all.

    Raises
    ------
    InputError
        The name does not end as that of a page does; the page is larger than `LIMIT`; it cannot be written.
    """
    path = Path(path)
    check_place(path)
    text = render(title, sections)
    if (size := len(text.encode())) > LIMIT:
        raise InputError(
            f"{path} would be of {size / 1e6:.1f} MB, more than {LIMIT / 1e6:g} MB; choose fewer images or neurons"
        )
    try:
        write_text(path, text)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error}") from error


def check_place(path: str | Path) -> None:
    """Raise `InputError` unless a page can be there: no other file is replaced by one."""
    if Path(path).suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{path} cannot be a page; give a name that ends in .html")
    if not Path(path).parent.is_dir():
        raise InputError(f"cannot write {path}: there is no folder {Path(path).parent}")
