"""Learning curves: what is drawn is what was measured."""

import os
import struct
import subprocess
import sys

import pytest
from matplotlib.figure import Figure

from spikelearn.errors import InputError
from spikelearn.plotting import learning_curve, save_learning_curve, seed_curves

METRICS = [
    {"epoch": 1, "train_error": 60.5, "test_error": 40.25},
    {"epoch": 2, "train_error": 30.0, "test_error": 20.0},
    {"epoch": 3, "train_error": 10.0, "test_error": 12.34},
]


@pytest.fixture
def axes():
    return Figure().add_subplot()


def test_a_learning_curve_shows_both_errors_at_every_epoch(axes):
    assert learning_curve(axes, METRICS, "one-hidden on digits") is axes
    lines = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert lines == {
        "training, while learning": [[1, 60.5], [2, 30], [3, 10]],
        "test (last: 12.3 %)": [[1, 40.25], [2, 20], [3, 12.34]],
    }
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "error (%)")
    assert axes.get_title() == "one-hidden on digits"
    assert {text.get_text() for text in axes.get_legend().get_texts()} == set(lines)


def test_the_axis_starts_at_0_and_no_point_is_cut_off(axes):
    learning_curve(axes, METRICS)
    low, high = axes.get_ylim()
    assert low == 0
    assert high > 60.5


def test_a_single_perfect_epoch_can_be_drawn(axes):
    learning_curve(axes, [{"epoch": 1, "train_error": 0.0, "test_error": 0.0}])
    assert axes.get_ylim()[1] > 0


def test_epochs_are_labelled_by_whole_numbers(axes):
    learning_curve(axes, METRICS)
    assert all(float(tick).is_integer() for tick in axes.get_xticks())


def test_nothing_to_draw_is_refused(axes):
    with pytest.raises(InputError, match="metrics has no rows"):
        learning_curve(axes, [])


def test_a_saved_learning_curve_is_a_png_that_is_large_enough_to_read(tmp_path):
    path = tmp_path / "curve.png"
    save_learning_curve(path, METRICS, "title")
    content = path.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert content[-8:-4] == b"IEND"
    width, height = struct.unpack(">II", content[16:24])
    assert width >= 600
    assert height >= 400


def test_saving_needs_no_display_and_leaves_the_figures_of_the_user_alone(tmp_path):
    code = (
        "import sys; from spikelearn.plotting import save_learning_curve;"
        f"save_learning_curve(sys.argv[1], {METRICS!r}); sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    subprocess.run([sys.executable, "-c", code, tmp_path / "curve.png"], env=environment, check=True)
    assert (tmp_path / "curve.png").exists()


def test_curves_of_several_networks_are_a_mean_and_the_range(axes):
    seed_curves(axes, {"one": [[10.0, 6.0], [14.0, 4.0]], "two": [[8.0, 3.0]]})
    lines = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert lines == {"one": [[1, 12], [2, 5]], "two": [[1, 8], [2, 3]]}
    band = axes.collections[0].get_paths()[0].vertices
    assert {tuple(point) for point in band} == {(1, 10), (1, 14), (2, 4), (2, 6)}
    assert axes.get_ylim()[0] == 0


def test_curves_without_networks_are_refused(axes):
    with pytest.raises(InputError, match="curves is empty"):
        seed_curves(axes, {})
    with pytest.raises(InputError, match=r"curves\['one'\] of shape \(2,\) must be \(seeds, epochs\)"):
        seed_curves(axes, {"one": [1.0, 2.0]})
