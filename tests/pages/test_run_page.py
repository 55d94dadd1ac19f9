"""`spikelearn page`: what a run folder holds, and what its network does with test images."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import spikelearn as sl
from pages.helpers import Html
from spikelearn import datasets, descriptions, evaluation, runs
from spikelearn.cli import main
from spikelearn.doors.page import write_page
from spikelearn.pages import document

N = 9  # test images


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Images of 9 pixels, a bar for each of three classes in noise."""
    rng = np.random.default_rng(0)
    y = np.arange(20 + N) % 3
    x = (0.3 * rng.random((len(y), 9)) + 0.7 * np.eye(3)[y].repeat(3, axis=1)).astype(np.float32)
    path = tmp_path_factory.mktemp("images") / "bars.npz"
    np.savez(path, x_train=x[N:], y_train=y[N:], x_test=x[:N], y_test=y[:N])
    return str(path)


def train(source, out, network="one-hidden", *more):
    assert main(["train", network, "--data", source, "--epochs", "2", "--out", str(out), "--json", *more]) == 0
    return out


@pytest.fixture(scope="module")
def trained(source, tmp_path_factory):
    """A run, trained once; to be read only."""
    return train(source, tmp_path_factory.mktemp("trained") / "run", "one-hidden", "--hidden", "5")


@pytest.fixture
def page(tmp_path, capsys):
    """Run the command; return what it says and the page."""

    def run(folder, *more):
        out = tmp_path / "page.html"
        assert main(["page", str(folder), "--out", str(out), "--json", *map(str, more)]) == 0
        return json.loads(capsys.readouterr().out.splitlines()[-1]), Html(out.read_text())

    return run


@pytest.fixture
def refused(tmp_path, capsys):
    """Run a command that must be refused on one line and leave no file."""

    def run(folder, *more, out="page.html"):
        assert main(["page", str(folder), "--out", str(tmp_path / out), *map(str, more)]) == 2
        said = capsys.readouterr()
        assert said.out == "" and re.fullmatch(r"spikelearn: error: [^\n]+\n", said.err)
        assert not list(tmp_path.glob("*.html"))
        return said.err

    return run


def headings(html):
    return [text for _, text in html.all("h2")]


def test_a_page_has_what_the_run_did_and_is(page, trained):
    said, html = page(trained)
    assert headings(html) == [
        "Summary", "Learning", "Angles", "Receptive fields", "Confusion", "Test image 0", "Configuration", "Provenance",
    ]  # fmt: skip
    metrics = runs.RunFolder(trained).metrics()
    assert said["test_error"] == metrics[-1]["test_error"]  # the same images and spikes as at the end of the epoch
    alts = [attributes["aria-label"] for attributes in html.plots()]
    assert len(alts) == 7
    first, last = metrics[0]["test_error"], metrics[-1]["test_error"]
    assert f"test from {first:.2f} % to {last:.2f} %" in alts[0]
    assert f"hidden[0] from {metrics[0]['loss_0']:.4g} to {metrics[-1]['loss_0']:.4g}" in alts[1]
    assert "all 5 neurons of hidden[0]" in alts[2]
    assert f"{last:.2f} % are predicted wrongly" in alts[3]
    texts = {text for _, text in html.all("td", "th")}
    assert {"model.network.hidden.g_basal", "9, 5, 3", "versions.numpy", "date", "argv"} <= texts
    assert any(re.fullmatch(r"\d+\.\d°", text) for text in texts)


def test_the_table_of_confusions_counts_every_test_image_once(page, trained, source):
    _, html = page(trained)
    config, weights = runs.load_run(trained)
    test = datasets.load(source).test
    predictions = evaluation.evaluate(config.model.network, weights, test, seed=config.seed)[0]
    expected = [[str(int(((test.y == a) & (predictions == b)).sum())) for b in range(3)] for a in range(3)]
    cells = [text for _, text in html.all("td")]
    flat = sum(expected, [])
    assert any(cells[at : at + 9] == flat for at in range(len(cells)))
    assert sum(map(int, flat)) == N


def test_images_are_those_asked_for_once_each(page, trained):
    said, html = page(trained, "--image", 4, 1, "--image", 4)
    assert [text for text in headings(html) if "image" in text] == ["Test image 4", "Test image 1"]
    assert set(said["predictions"]) == {"4", "1"}


def test_the_angle_to_backpropagation_is_measured_on_demand(page, trained):
    assert "errors to those of backpropagation" not in {text for _, text in page(trained)[1].all("th")}
    assert "errors to those of backpropagation" in {text for _, text in page(trained, "--angles")[1].all("th")}


def test_networks_without_or_with_two_hidden_layers_have_pages(page, source, tmp_path):
    _, html = page(train(source, tmp_path / "none", "no-hidden"), "--angles")
    assert "Angles" not in headings(html) and len(html.plots()) == 6
    _, html = page(train(source, tmp_path / "two", "two-hidden", "--hidden", "5,4", "--set", "feedback_from=above"))
    assert len(html.plots()) == 8 and "Angles" in headings(html)


def test_a_classifier_that_was_saved_has_a_page(page, source, tmp_path):
    with np.load(source) as images:
        one = sl.SegregatedDendriteClassifier((5,), epochs=2, random_state=1).fit(images["x_train"], images["y_train"])
    one.save(tmp_path / "classifier")
    _, html = page(tmp_path / "classifier", "--data", source)
    assert "training, while learning from" in html.plots()[0]["aria-label"]
    assert not re.search("; test from", html.plots()[0]["aria-label"])


def test_a_run_without_a_complete_epoch_has_a_page(page, trained, source, tmp_path):
    config = replace(runs.load_run(trained)[0], name="<i>mine</i> & more")
    runs.Run.start(tmp_path / "new", config, datasets.load(source))
    _, html = page(tmp_path / "new")
    assert "No epoch is complete yet." in {text for _, text in html.all("p")}
    assert html.all("h1") == [({}, "<i>mine</i> & more on bars.npz, seed 1")]
    assert not html.all("i")


def test_what_cannot_be_drawn_is_said_on_one_line(refused, trained, source, tmp_path):
    assert "/no/such/run is not a run folder" in refused("/no/such/run")
    assert f"has test images 0 to {N - 1}" in refused(trained, "--image", N)
    assert "image -1: " in refused(trained, "--image", -1)
    assert "'x' is not an integer" in refused(trained, "--image", "x")
    assert "give a name that ends in .html" in refused(trained, out="page.txt")
    assert "there is no folder" in refused(trained, out="nowhere/page.html")
    assert "has examples of 64 inputs; the network takes 9" in refused(trained, "--data", "digits")
    assert "unknown engine 'evnt'; did you mean 'event'?" in refused(trained, "--engine", "evnt")
    moved = shutil.copytree(trained, tmp_path / "moved")
    described = json.loads((moved / "config.json").read_text()) | {"data": str(tmp_path / "gone.npz")}
    (moved / "config.json").write_text(json.dumps(described))
    assert "gone.npz" in refused(moved)
    assert main(["page", str(moved), "--data", source, "--out", str(tmp_path / "page.html"), "--json"]) == 0


def test_without_bokeh_the_extra_is_named_before_anything_is_done(refused, trained, monkeypatch):
    for name in [name for name in sys.modules if name.startswith(("spikelearn.pages", "spikelearn.doors.page"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "bokeh", None)
    assert "bokeh is not installed; pip install 'spikelearn[page]'" in refused(trained)


def test_bokeh_is_imported_for_pages_only():
    code = "import sys, spikelearn, spikelearn.cli, spikelearn.doors.estimator; sys.exit('bokeh' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_page_from_python_says_what_the_command_says(trained, source, tmp_path):
    said = write_page(trained, tmp_path / "a.html", datasets.load(source).test, [2])
    assert said["images"] == N and set(said["predictions"]) == {2}
    assert (tmp_path / "a.html").stat().st_size < document.LIMIT
    assert descriptions.from_dict(runs.Config, runs.RunFolder(trained).config()).seed == 1
