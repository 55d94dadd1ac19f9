"""The page of a recording: what is drawn is what was recorded."""

from dataclasses import replace

import numpy as np
import pytest
from bokeh.models import GlyphRenderer, Line, Scatter, Span

from pages.helpers import NAMES, Html, recording
from spikelearn.errors import InputError
from spikelearn.pages import document
from spikelearn.pages.recorded import rows, striking, trial
from spikelearn.pages.trials import potentials, raster, time_axis
from spikelearn.recording import Plateaus, Spikes


def panels(plot):
    return {panel.yaxis[0].axis_label: panel for panel, _, _ in plot.model.children}


def drawn(panel, glyph):
    found = [each for each in panel.renderers if isinstance(each, GlyphRenderer) and isinstance(each.glyph, glyph)]
    return [each.data_source.data for each in found]


def diamonds(panel):
    """Return times and heights of the marks in a panel."""
    (mark,) = [each for each in panel.renderers if isinstance(each.glyph, Scatter)]
    return [mark.data_source.data[name] for name in (mark.glyph.x, mark.glyph.y)]


def test_potentials_are_drawn_as_they_were_recorded():
    one = recording()
    found = panels(potentials(one, "hidden[0]", [5, 70], time_axis(one)))
    assert list(found) == ["apical", "plateau", "basal", "soma"]
    for name in ("apical", "basal", "soma"):
        for data, row in zip(drawn(found[name], Line), (1, 3), strict=True):
            np.testing.assert_array_equal(data["time"], one.times.astype(np.float32))
            np.testing.assert_array_equal(data["v"], one[f"hidden[0].v_{name}"][row])


def test_spikes_are_drawn_as_they_were_recorded():
    one = recording()
    found = panels(raster(one, time_axis(one)))
    assert list(found) == ["output", "hidden[0]", "input"]
    for layer, panel in found.items():
        (data,) = drawn(panel, Scatter)
        np.testing.assert_array_equal(data["neuron"], one.spikes[layer].neuron)
        np.testing.assert_array_equal(data["time"], one.spikes[layer].time.astype(np.float32))
        assert panel.y_range.start < data["neuron"].min() and panel.y_range.end > data["neuron"].max()


def test_all_panels_of_a_trial_share_one_time_axis_that_ends_with_the_phases():
    one = recording()
    plots = trial(one)
    assert len(plots) == 3
    assert len({panel.x_range.id for plot in plots for panel in panels(plot).values()}) == 1
    assert (plots[0].x_range.start, plots[0].x_range.end) == (-1, 101)  # room for marks at the ends
    for plot in plots:
        assert plot.x_range is plots[0].x_range
        for panel in panels(plot).values():
            assert [span.location for span in panel.select(Span)] == [50.0]


def test_a_plateau_is_marked_at_its_time_on_the_curve_and_by_its_value_whatever_its_function_is():
    own = Plateaus(np.array([1.7, 0.0, -2.0, 3.0]), np.array([0.2, 1.0, 5.0, 0.0]), np.full(4, 49.5), np.full(4, 97.0))
    one = recording(plateaus=own)  # of a curve that is not the sigmoid: outside 0..1
    found = panels(potentials(one, "hidden[0]", [2, 66], time_axis(one)))
    times, heights = diamonds(found["plateau"])
    assert (times, heights) == ([49.5, 49.5, 97.0, 97.0], [1.7, -2.0, 0.2, 5.0])
    times, heights = diamonds(found["apical"])
    assert times == [49.5, 49.5, 97.0, 97.0]
    at = {49.5: 197, 97.0: 387}  # samples come every quarter of a millisecond, the first at 0.25
    expected = [one["hidden[0].v_apical"][row, at[t]] for t in (49.5, 97.0) for row in (0, 2)]
    np.testing.assert_allclose(heights, expected, rtol=1e-6)


def test_the_alternative_text_has_the_numbers():
    one = recording()
    spikes, hidden, output = (plot.alt for plot in trial(one, {"hidden[0]": [2]}))
    assert "output: 5 by" in spikes and "input: 200 by" in spikes
    apical = one["hidden[0].v_apical"][0]
    assert f"apical from {apical.min():.3g} to {apical.max():.3g}" in hidden
    assert "forward plateau of neuron 2 0.5" in hidden and "target plateau of neuron 2 0.5" in hidden
    assert output.startswith("Potentials of 3 neurons of output: soma from")


def test_neurons_are_those_that_learn_most_and_outputs_those_with_the_highest_potential():
    one = recording(hidden=range(10, 16), outputs=12)
    change = np.array([0.1, -0.4, 0.0, 0.3, -0.1, 0.35])
    own = Plateaus(np.full(6, 0.5), 0.5 + change, np.full(6, 50.0), np.full(6, 100.0))
    soma = np.arange(12.0)[:, None] + np.zeros(400)
    one = replace(one, plateaus={"hidden[0]": own}, potentials=dict(one.potentials) | {"output.v_soma": soma})
    assert striking(one, "hidden[0]") == [11, 13, 15]
    assert striking(one, "output") == list(range(2, 12))
    untaught = replace(one, plateaus={"hidden[0]": own._replace(target=None, time_target=None)})
    assert striking(untaught, "hidden[0]") == [10, 11, 12]
    assert len(trial(untaught)) == 3


def test_a_million_samples_and_a_million_spikes_are_a_small_page(tmp_path):
    one = recording(n_times=1_000_000, hidden=(4,), outputs=1)
    rng = np.random.default_rng(0)
    crowd = Spikes(rng.integers(1000, size=1_000_000), np.sort(rng.random(1_000_000)) * 100)
    one = replace(one, spikes=dict(one.spikes) | {"input": crowd})
    one.page(tmp_path / "a.html")
    assert (tmp_path / "a.html").stat().st_size < document.LIMIT
    spikes, hidden, _ = trial(one)
    (data,) = drawn(panels(hidden)["soma"], Line)
    soma = one["hidden[0].v_soma"][0]
    assert (data["v"].min(), data["v"].max()) == (soma.min(), soma.max())
    assert "Of 1,000,000 samples the extremes of 2,000 equal stretches are drawn" in hidden.caption
    assert "input: 1,000,000 (" in spikes.alt


def test_the_page_says_what_the_recording_is_of(tmp_path):
    recording(example=7, seed=3, engine="<Clock>").page(tmp_path / "a.html")
    html = Html((tmp_path / "a.html").read_text())
    assert html.all("h1") == [({}, "Recording of example 7")]
    assert len(html.plots()) == 3
    cells = [text for _, text in html.all("td")]
    assert cells[-3:] == ["7", "3", "<Clock>"]


@pytest.mark.parametrize("kept", [*NAMES, "spikes"])
def test_a_recording_of_little_has_a_page(tmp_path, kept):
    one = recording()
    layer = kept.partition(".")[0]
    potentials = {name: series for name, series in one.potentials.items() if name == kept}
    neurons = {layer: one.neurons[layer]} if potentials else {}
    one = replace(one, potentials=potentials, neurons=neurons, spikes=one.spikes if kept == "spikes" else {})
    one = replace(one, plateaus={name: each for name, each in one.plateaus.items() if name == layer})
    one.page(tmp_path / "a.html")
    assert len(Html((tmp_path / "a.html").read_text()).plots()) == 1


def test_what_was_not_recorded_is_named(tmp_path):
    one, path = recording(), tmp_path / "a.html"
    with pytest.raises(InputError, match=r"neuron 3 of hidden\[0\] was not recorded; those that were: 2, 5, 66, 70"):
        one.page(path, {"hidden[0]": [3]})
    with pytest.raises(InputError, match=r"'hidden\[1\]' was not recorded; .*Known: hidden\[0\], output"):
        one.page(path, {"hidden[1]": [0]})
    with pytest.raises(InputError, match="no potentials of output were recorded"):
        replace(one, potentials={NAMES[0]: one[NAMES[0]]}).page(path, {"output": [0]})
    with pytest.raises(InputError, match="nothing to draw"):
        replace(one, potentials={}, spikes={}).page(path)
    assert not path.exists()


def test_nested_settings_are_rows_with_dotted_names():
    nested = {"a": {"b": 1, "c": [1, 2], "d": None}, "e": [{"f": True}, {"f": "x"}], "g": []}
    assert rows(nested) == [
        ("a.b", "1"),
        ("a.c", "1, 2"),
        ("a.d", "none"),
        ("e.0.f", "True"),
        ("e.1.f", "x"),
        ("g", ""),
    ]
