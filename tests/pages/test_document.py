"""A page as a file: all stands in it, nothing is taken for markup, and all can be read without eyes or mouse."""

import re

import pytest
from bokeh.plotting import figure

from pages.helpers import Html
from spikelearn.errors import InputError
from spikelearn.pages import document
from spikelearn.pages.panels import panel, shared_range, stacked
from spikelearn.pages.parts import Plot, Section, Table

NASTY = "</script><script>alert('1')</script> <b>\"&amp;' ${x} {{ 7 * 7 }} é"


def plot(text="plot"):
    x = shared_range(0, 1)
    one = panel(x, text, 100)
    one.line([0, 1], [0, 1], name=text)
    return Plot(stacked([one], text), text, text, [("#000000", text)], x, Table(text, [text], [[text]]))


def sections(text="text"):
    return [
        Section(text, text, [plot(text), Table(text, [text, text], [[text, text]])]),
        Section("Last", parts=[plot()]),
    ]


def test_nothing_is_fetched_from_elsewhere():
    text = document.render("title", sections())
    html = Html(text)
    assert not html.all("link", "iframe", "img", "object", "embed", "base", "source")
    assert all("src" not in attributes for attributes, _ in html.all("script"))
    assert all(attributes["href"].startswith("#") for attributes, _ in html.all("a"))
    styles = "".join(text for _, text in html.all("style"))
    assert styles and "@import" not in styles and "url(" not in styles


def test_text_is_not_taken_for_markup():
    plain, nasty = (Html(document.render(text, sections(text))) for text in ("plain", NASTY))
    assert [tag for tag, _, _ in nasty.elements] == [tag for tag, _, _ in plain.elements]
    for tag in ("title", "h1", "h2", "figcaption", "caption", "td", "th", "summary", "li"):
        assert any(NASTY in text for _, text in nasty.all(tag)), tag
    assert nasty.plots()[0]["aria-label"] == NASTY


def test_every_plot_says_what_it_shows():
    html = Html(document.render("title", [Section("One", parts=[plot("first"), plot("second")])]))
    assert [attributes["aria-label"] for attributes in html.plots()] == ["first", "second"]
    assert [text.strip() for _, text in html.all("figcaption")] == ["first", "second"]


def test_a_page_can_be_read_with_a_keyboard_and_by_a_machine():
    html = Html(document.render("title", sections()))
    (language,) = (attributes["lang"] for attributes, _ in html.all("html"))
    assert language == "en"
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in [a for a, _ in html.all("meta")]
    levels = [int(tag[1]) for tag, _, _ in html.elements if re.fullmatch(r"h\d", tag)]
    assert levels == [1, 2, 2]
    ids = [attributes["id"] for _, attributes, _ in html.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [attributes["href"] for attributes, _ in html.all("a")]
    assert links[0] == "#main" and {link[1:] for link in links} <= set(ids)
    assert all(attributes["tabindex"] == "0" and attributes["aria-describedby"] in ids for attributes in html.plots())
    assert all("scope" in attributes for attributes, _ in html.all("th"))


def test_a_plot_without_axis_of_its_own_takes_no_keys():
    square = figure()
    square.line([0, 1], [0, 1])
    (place,) = Html(document.render("title", [Section("One", parts=[Plot(square, "caption", "alt")])])).plots()
    assert "tabindex" not in place and "data-range" not in place


def test_a_page_of_tables_only_is_a_page():
    html = Html(document.render("title", [Section("One", parts=[Table("caption", (), [["a", "b"]])])]))
    assert not html.plots() and html.all("td") == [({}, "b")]


def test_a_page_replaces_one_that_was_there_and_nothing_else(tmp_path):
    path = tmp_path / "a.html"
    path.write_text("old")
    document.write(path, "title", sections())
    assert path.read_text() == document.render("title", []) or "<h1>title</h1>" in path.read_text()
    other = tmp_path / "config.json"
    other.write_text("{}")
    with pytest.raises(InputError, match=r"config\.json cannot be a page; give a name that ends in \.html"):
        document.write(other, "title", sections())
    assert other.read_text() == "{}" and len(list(tmp_path.iterdir())) == 2


def test_a_page_that_is_too_large_is_refused_and_the_old_one_stays(tmp_path, monkeypatch):
    path = tmp_path / "a.html"
    path.write_text("old")
    monkeypatch.setattr(document, "LIMIT", 1_000_000)
    with pytest.raises(InputError, match=r"of 1\.\d MB, more than 1 MB; choose fewer images or neurons"):
        document.write(path, "title", sections())
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="there is no folder .*nowhere"):
        document.write(tmp_path / "nowhere" / "a.html", "title", sections())
    (tmp_path / "a.html").mkdir()
    with pytest.raises(InputError, match=r"cannot write .*a\.html: .*directory"):
        document.write(tmp_path / "a.html", "title", sections())
