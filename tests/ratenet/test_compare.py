"""spikelearn compare: the table, what is resumed, what is refused, what diverges."""

import csv
import json
import os
import re
import struct
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from ratenet.helpers import task
from spikelearn import compare
from spikelearn.cli import main
from spikelearn.compare import CONTROLS, NAMES, Comparison
from spikelearn.engines import Clock
from spikelearn.errors import InputError
from spikelearn.plotting import comparison as drawn
from spikelearn.ratenet import SGD, registry, rules, table

SMALL = ("--epochs", "2", "--examples", "120")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    data = task(150)
    path = tmp_path_factory.mktemp("images") / "blobs.npz"
    np.savez(path, x_train=data.train.x, y_train=data.train.y, x_test=data.test.x, y_test=data.test.y)
    return str(path)


def small(source, *names, **more):
    return Comparison(rules=names, data=source, **{"sizes": (12, 8, 7, 3), "epochs": 2, "seeds": 2} | more)


def measured(results):
    """The results without the seconds."""
    return [
        {**result, "epochs": [{k: v for k, v in epoch.items() if k != "seconds"} for epoch in result["epochs"]]}
        for result in results
    ]


@pytest.fixture(scope="module")
def done(source, tmp_path_factory):
    """A comparison that ran through, and its folder; to be read only."""
    out = tmp_path_factory.mktemp("done")
    return compare.compare(small(source, "fa", "spiking"), out), out


def test_the_controls_are_always_there_and_every_rule_has_every_seed(done):
    results, out = done
    assert [(r["rule"], r["seed"]) for r in results] == [
        (rule, seed) for rule in (*CONTROLS, "fa", "spiking") for seed in (1, 2)
    ]
    assert {path.name for path in out.iterdir()} == {"results", "table.txt", "table.csv", "comparison.png"}
    assert len(list((out / "results").iterdir())) == 8
    for result in results:
        assert [epoch["epoch"] for epoch in result["epochs"]] == [1, 2]
        assert result["diverged"] is None


def test_the_table_holds_means_and_deviations_over_seeds(done):
    results, out = done
    with open(out / "table.csv", newline="") as file:
        lines = {line["rule"]: line for line in csv.DictReader(file)}
    last = [r["epochs"][-1] for r in results if r["rule"] == "fa"]
    errors = [epoch["test_error"] for epoch in last]
    assert float(lines["fa"]["test_error"]) == pytest.approx(np.mean(errors))
    assert float(lines["fa"]["test_error_sd"]) == pytest.approx(np.std(errors, ddof=1))
    assert float(lines["fa"]["angle_2"]) == pytest.approx(np.mean([epoch["angle"][1] for epoch in last]))
    assert float(lines["fa"]["alignment_1"]) == pytest.approx(np.mean([epoch["alignment"][0] for epoch in last]))
    assert lines["shallow"]["angle_1"] == ""
    assert float(lines["spiking"]["angle_1"]) > 0
    assert "test error (%)" in (out / "table.txt").read_text()


def test_the_picture_is_a_png_large_enough_to_read(done):
    content = (done[1] / "comparison.png").read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", content[16:24]) > (1200, 500)


def test_a_second_start_computes_only_what_is_missing_and_gives_the_same(done, source, tmp_path, monkeypatch):
    results, out = done
    comparison = small(source, "fa", "spiking")
    (tmp_path / "results").mkdir()
    for name in ("bp-1.json", "fa-2.json", "spiking-1.json"):
        (tmp_path / "results" / name).write_bytes((out / "results" / name).read_bytes())
    computed, reported = [], []
    work = compare._work
    monkeypatch.setattr(
        compare, "_work", lambda c, f, name, seed: computed.append((name, seed)) or work(c, f, name, seed)
    )
    again = compare.compare(comparison, tmp_path, progress=lambda *counts: reported.append(counts))
    assert measured(again) == measured(results)
    assert computed == [("shallow", 1), ("fa", 1), ("bp", 2), ("shallow", 2), ("spiking", 2)]
    assert reported == [(3 + k, 8) for k in range(6)]
    assert compare.compare(comparison, tmp_path) == again  # with the seconds: nothing was computed
    assert len(computed) == 5


def test_results_are_the_same_with_two_jobs(done, source, tmp_path):
    assert measured(compare.compare(small(source, "fa", "spiking"), tmp_path, jobs=2)) == measured(done[0])


def test_more_seeds_and_rules_go_on_in_the_same_folder(done, source, tmp_path):
    compare.compare(small(source, "fa", seeds=1), tmp_path)
    kept = (tmp_path / "results" / "fa-1.json").read_bytes()
    results = compare.compare(small(source, "fa", "spiking"), tmp_path)
    assert measured(results) == measured(done[0])
    assert (tmp_path / "results" / "fa-1.json").read_bytes() == kept


def test_another_engine_makes_another_spiking_network_and_leaves_the_rate_networks(done, source, tmp_path):
    (tmp_path / "results").mkdir()
    for path in (done[1] / "results").iterdir():
        (tmp_path / "results" / path.name).write_bytes(path.read_bytes())
    comparison = small(source, "fa", "spiking", engine=Clock())
    with pytest.raises(InputError, match=r"spiking-1.json is of another comparison: description is .*Event.*Clock"):
        compare.compare(comparison, tmp_path)
    for seed in (1, 2):
        (tmp_path / "results" / f"spiking-{seed}.json").unlink()
    by_event, by_clock = measured(done[0]), measured(compare.compare(comparison, tmp_path))
    assert [a == b for a, b in zip(by_event, by_clock, strict=True)] == [True] * 6 + [False] * 2


def test_results_of_another_comparison_are_refused(done, source):
    with pytest.raises(InputError, match=r"bp-1.json is of another comparison: epochs is 2 there, now 3; choose"):
        compare.compare(small(source, "fa", epochs=3), done[1])


def replaced(source, path, **changes):
    with np.load(source) as arrays:
        np.savez(path, **(dict(arrays) | changes))
    return str(path)


@pytest.mark.parametrize("part", ["x_train", "y_train", "x_test", "y_test"])
def test_results_on_other_images_of_the_same_number_are_refused(source, tmp_path, part):
    own = replaced(source, tmp_path / "own.npz")
    before = compare.compare(small(own, "fa", seeds=1, epochs=1), tmp_path / "out")
    with np.load(source) as arrays:
        replaced(source, own, **{part: arrays[part][::-1]})
    half = part.partition("_")[2]
    with pytest.raises(InputError, match=rf"-1\.json is of another comparison: images\.{half} is '.*' there, now '"):
        compare.compare(small(own, "fa", seeds=1, epochs=1), tmp_path / "out")
    replaced(source, own)
    assert compare.compare(small(own, "fa", seeds=1, epochs=1), tmp_path / "out") == before


def test_images_that_are_replaced_while_they_are_compared_on_are_refused(source, tmp_path):
    own = replaced(source, tmp_path / "own.npz")
    comparison = small(own, "fa", seeds=1, epochs=1)
    with np.load(source) as arrays:
        replaced(source, own, x_train=arrays["x_train"][::-1])
    with pytest.raises(
        InputError, match=r"own\.npz was replaced while it was compared on: train is .*; start the comp"
    ):
        compare.compare(comparison, tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.json"))


def test_the_same_images_elsewhere_are_the_same(source, tmp_path):
    (tmp_path / "moved").mkdir()
    first = replaced(source, tmp_path / "own.npz")
    before = compare.compare(small(first, "fa", seeds=1, epochs=1), tmp_path / "out")
    moved = replaced(source, tmp_path / "moved" / "own.npz")
    assert compare.compare(small(moved, "fa", seeds=1, epochs=1), tmp_path / "out") == before


def test_a_broken_result_is_refused_with_a_remedy(source, tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "bp-1.json").write_text('{"rule": "bp"')
    with pytest.raises(InputError, match=r"bp-1.json cannot be read .*delete it"):
        compare.compare(small(source, "fa"), tmp_path)


def test_a_rule_that_diverges_says_when_and_the_others_go_on(source, tmp_path, monkeypatch):
    wild = registry.Entry(rule=rules.FeedbackAlignment(optimiser=SGD(rate=1e39)), numbers="none")
    monkeypatch.setitem(registry.ENTRIES, "fa", wild)
    results = compare.compare(small(source, "fa"), tmp_path)
    assert [r["diverged"] for r in results] == [None, None, None, None, 1, 1]
    shown = (tmp_path / "table.txt").read_text()
    assert "diverged at epoch 1 (seed 1); diverged at epoch 1 (seed 2)" in shown
    rows = {row["rule"]: row for row in table.rows(results)}
    assert rows["fa"]["test_error"] is None
    assert rows["bp"]["test_error"] is not None
    assert compare.compare(small(source, "fa"), tmp_path) == results  # remembered, not tried again


def test_a_seed_that_diverges_is_left_out_of_the_mean():
    def result(seed, error):
        epochs = [] if error is None else [{"test_error": error, "seconds": 1.0, "angle": [None], "alignment": [3.0]}]
        return {"rule": "fa", "seed": seed, "epochs": epochs, "diverged": 1 if error is None else None}

    (row,) = table.rows([result(1, 4.0), result(2, None), result(3, 6.0)])
    assert (row["test_error"], row["test_error_sd"], row["seeds"]) == (5.0, pytest.approx(2**0.5), 3)
    assert (row["angle"], row["alignment"]) == ([None], [3.0])
    assert row["note"] == "diverged at epoch 1 (seed 2)"
    np.testing.assert_array_equal(table.curve([result(1, 4.0), result(3, 6.0)], "test_error"), [5.0])
    assert np.isnan(table.curve([result(1, 4.0)], "angle", 0)).all()


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--rules", "fa,dfb"], ["unknown rule 'dfb'; did you mean 'dfa'?", "spiking"]),
        (["--rules", "fa,fa"], ["one is named twice"]),
        (["--rules", "dtp", "--sizes", "12,3"], ["DTP trains hidden layers, and sizes (12, 3) have none; add one"]),
        (["--rules", "fa", "--sizes", "13,8,3"], ["do not fit", "begin with 12 and end with 3"]),
        (["--rules", "fa", "--sizes", "12"], ["at least an input and an output layer"]),
        (["--rules", "fa", "--sizes", "a,b"], ["--sizes 'a,b' must be integers"]),
        (["--rules", "spiking", "--sizes", "12,8,7,6,3"], ["at most two hidden layers", "leave the row out"]),
        (["--epochs", "0"], ["epochs=0 must be an integer >= 1"]),
        (["--seeds", "0"], ["seeds=0 must be an integer >= 1"]),
        (["--jobs", "0", "--rules", "fa"], ["jobs=0 must be an integer >= 1"]),
        (["--examples", "0"], ["cannot take the first 0"]),
        (["--data", "digit"], ["did you mean 'digits'?"]),
        (["--rule", "fa"], ["unknown option '--rule' of compare; did you mean '--rules'?"]),
    ],
)
def test_bad_input_is_refused_on_one_line_before_anything_is_written(source, capfd, tmp_path, arguments, parts):
    given = arguments if "--data" in arguments else ["--data", source, *arguments]
    assert main(["compare", "--out", str(tmp_path / "out"), *given]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert re.fullmatch(r"spikelearn: error: [^\n]+\n", err)
    for part in parts:
        assert part in err
    assert not (tmp_path / "out").exists()


def test_the_command_prints_the_table_and_where_things_are(source, capfd, tmp_path):
    arguments = ["compare", "--rules", "fa", "--data", source, "--seeds", "1", "--jobs", "1", *SMALL]
    assert main([*arguments, "--out", str(tmp_path)]) == 0
    out, err = capfd.readouterr()
    assert err == ""  # the bar is for terminals
    assert re.search(r"^bp +1 +\d+\.\d\d +\d+\.\d +0 0 +0 0( |$)", out, re.MULTILINE)
    assert str(tmp_path) in out
    assert main([*arguments, "--out", str(tmp_path), "--json"]) == 0
    result = json.loads(capfd.readouterr().out)
    assert [row["rule"] for row in result["rows"]] == ["bp", "shallow", "fa"]


def test_a_killed_comparison_goes_on_where_it_was(source, tmp_path):
    command = [sys.executable, "-m", "spikelearn", "compare", "--rules", "fa,dfa,dtp", "--data", source]
    command += ["--sizes", "12,200,200,3", "--seeds", "3", "--epochs", "8", "--jobs", "1", "--out", str(tmp_path)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    while process.poll() is None and len(list(tmp_path.glob("results/*.json"))) < 2:
        time.sleep(0.01)
    process.kill()
    process.wait()
    kept = {path.name: path.read_bytes() for path in tmp_path.glob("results/*.json")}
    assert 2 <= len(kept) < 15
    subprocess.run(command, check=True, capture_output=True, env=environment)
    assert len(list(tmp_path.glob("results/*.json"))) == 15
    for name, content in kept.items():
        assert (tmp_path / "results" / name).read_bytes() == content


def test_every_name_has_its_look_and_the_controls_theirs_in_every_picture():
    looks = drawn.styles(NAMES)
    assert len({tuple(sorted((k, str(v)) for k, v in look.items())) for look in looks.values()}) == len(NAMES)
    assert drawn.styles(["shallow", "fa", "bp"])["bp"] == looks["bp"]


def test_curves_show_what_was_measured():
    axes = Figure().add_subplot()
    curves = {"bp": [9.0, 4.0], "fa": [20.0, 8.0]}
    drawn.error_curves(axes, curves, drawn.styles(list(curves)))
    assert {line.get_label(): line.get_xydata().tolist() for line in axes.lines} == {
        "bp": [[1, 9], [2, 4]],
        "fa": [[1, 20], [2, 8]],
    }
    angles = Figure().add_subplot()
    drawn.angle_curves(
        angles, {"bp": [0.0, 0.0], "shallow": [np.nan, np.nan], "fa": [95.0, 130.0]}, drawn.styles(NAMES)
    )
    assert "shallow" not in [line.get_label() for line in angles.lines]  # it has no teaching signal
    assert angles.get_ylim()[1] > 130


def test_nothing_to_draw_is_refused():
    with pytest.raises(InputError, match="no curves"):
        drawn.error_curves(Figure().add_subplot(), {}, {})


def test_a_comparison_is_a_value(source):
    comparison = small(source, "fa")
    assert replace(comparison) == comparison
    assert Comparison(data=source, rules=("fa",)).sizes == (12, 256, 256, 3)


def test_after_one_epoch_every_rule_is_a_point_and_the_only_epoch_is_1():
    from matplotlib.figure import Figure

    from spikelearn.plotting.comparison import error_curves, styles

    axes = Figure().subplots()
    error_curves(axes, {"bp": [5.0], "shallow": [9.0], "fa": [6.0]}, styles(["bp", "shallow", "fa"]))
    assert all(line.get_marker() == "o" for line in axes.get_lines())
    low, high = axes.get_xlim()
    assert [tick for tick in axes.get_xticks() if low <= tick <= high] == [1]
