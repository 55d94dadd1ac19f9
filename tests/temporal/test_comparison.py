"""spikelearn compare --task: the table, what is resumed, what is refused, what diverges."""

import csv
import json
import re
import struct
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from spikelearn.cli import main
from spikelearn.errors import InputError
from spikelearn.plotting import temporal as drawn
from spikelearn.ratenet.activations import Identity
from spikelearn.ratenet.optimisers import SGD
from spikelearn.temporal import comparison as module
from spikelearn.temporal import registry, rules, table
from spikelearn.temporal.comparison import Comparison, compare
from spikelearn.temporal.connections import Independent, Sparse
from spikelearn.temporal.feedback import Random
from spikelearn.temporal.learning import Training
from spikelearn.temporal.network import RecurrentNetwork
from spikelearn.temporal.spiking import SpikingNetwork
from spikelearn.temporal.tasks import Adding

SMALL = {"steps": 400, "units": 8, "seeds": 2}
RULES = ("tbptt-10", "uoro", "eprop")


def measured(results):
    """The results without the seconds."""
    return [
        {**result, "points": [{k: v for k, v in point.items() if k != "seconds"} for point in result["points"]]}
        for result in results
    ]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A comparison that ran through, and its folder; to be read only."""
    out = tmp_path_factory.mktemp("done")
    return compare(Comparison(rules=RULES, **SMALL), out), out


def test_the_controls_are_always_there_and_every_rule_has_every_seed(done):
    results, out = done
    assert [(r["rule"], r["seed"]) for r in results] == [
        (rule, seed) for rule in ("bptt", "readout", "readout-spiking", *RULES) for seed in (1, 2)
    ]
    assert {path.name for path in out.iterdir()} == {"results", "table.txt", "table.csv", "comparison.png"}
    for result in results:
        assert [point["step"] for point in result["points"]] == [100, 200, 300, 400]
        assert result["diverged"] is None and result["held_out"] is None
        assert (result["stored"] == 0) == result["rule"].startswith("readout")


def test_the_table_holds_means_and_deviations_over_seeds_of_the_last_fifth(done):
    results, out = done
    with open(out / "table.csv", newline="") as file:
        lines = {line["rule"]: line for line in csv.DictReader(file)}
    losses = [r["points"][-1]["loss"] for r in results if r["rule"] == "uoro"]  # a fifth of four points is one
    assert float(lines["uoro"]["loss"]) == pytest.approx(np.mean(losses))
    assert float(lines["uoro"]["loss_sd"]) == pytest.approx(np.std(losses, ddof=1))
    assert float(lines["uoro"]["microseconds"]) > 0
    text = (out / "table.txt").read_text()
    assert "wrong (%)" in text and text.endswith("optimum: 0.4545\nchance: 0.6616\n")


def test_the_picture_is_a_png_large_enough_to_read(done):
    content = (done[1] / "comparison.png").read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", content[16:24]) > (1000, 500)


def test_a_second_start_computes_only_what_is_missing_and_gives_the_same(done, tmp_path, monkeypatch):
    results, out = done
    (tmp_path / "results").mkdir()
    for name in ("bptt-1.json", "uoro-2.json", "eprop-1.json", "readout-1.json", "readout-2.json", "tbptt-10-2.json"):
        (tmp_path / "results" / name).write_bytes((out / "results" / name).read_bytes())
    computed, work = [], module._work
    monkeypatch.setattr(
        module, "_work", lambda c, f, name, seed: computed.append((name, seed)) or work(c, f, name, seed)
    )
    again = compare(Comparison(rules=RULES, **SMALL), tmp_path)
    assert measured(again) == measured(results)
    missing = [("readout-spiking", 1), ("tbptt-10", 1), ("uoro", 1), ("bptt", 2), ("readout-spiking", 2), ("eprop", 2)]
    assert computed == missing
    assert compare(Comparison(rules=RULES, **SMALL), tmp_path) == again  # with the seconds: nothing was computed
    assert len(computed) == 6


def test_results_are_the_same_with_two_jobs(done, tmp_path):
    assert measured(compare(Comparison(rules=RULES, **SMALL), tmp_path, jobs=2)) == measured(done[0])


def test_results_of_another_comparison_are_refused(done):
    with pytest.raises(InputError, match=r"bptt-1.json is of another comparison: steps is 400 there, now 500; choose"):
        compare(Comparison(rules=RULES, **SMALL | {"steps": 500}), done[1])


def test_a_rule_that_diverges_is_a_row_and_the_others_go_on(tmp_path, monkeypatch):
    calm = Training(recurrent=SGD(rate=0.01), readout=SGD(rate=0.01))
    linear = {"activation": Identity()}  # tanh would keep everything finite
    known = registry.Setting(
        task=Adding(length=10), n=6, steps=300, training=calm, rates={"tbptt": 1e200}, rate_network=linear
    )
    monkeypatch.setitem(registry.SETTINGS, "wild", known)
    results = compare(Comparison(task="wild", rules=("tbptt-5",), seeds=2), tmp_path)
    rows = {row["rule"]: row for row in table.rows(results)}
    assert rows["tbptt-5"]["loss"] is None and rows["bptt"]["loss"] > 0
    assert re.fullmatch(r"diverged at step \d+ \(seed 1\); diverged at step \d+ \(seed 2\)", rows["tbptt-5"]["note"])
    assert "diverged at step" in (tmp_path / "table.txt").read_text()
    assert compare(Comparison(task="wild", rules=("tbptt-5",), seeds=2), tmp_path) == results  # remembered


def test_a_task_with_test_images_is_judged_on_them(tmp_path, monkeypatch):
    small = replace(registry.SETTINGS["rows"], task=registry.Rows(data="digits"), n=12)
    monkeypatch.setitem(registry.SETTINGS, "small", small)
    results = compare(Comparison(task="small", rules=("rflo",), seeds=1, steps=160), tmp_path)
    assert all(20 < result["held_out"] < 100 for result in results)
    assert results[0]["held_out"] != results[1]["held_out"]


def test_the_networks_are_those_that_the_rules_are_for():
    add = registry.setting("add")
    assert isinstance(add.network("rtrl"), RecurrentNetwork) and add.network("rtrl").n == 32
    assert isinstance(add.network("eprop", 5), SpikingNetwork) and add.network("eprop", 5).n == 5
    assert add.network("diagonal").connections == Independent()
    assert add.network("snap-2").connections == Sparse(0.25)
    assert add.optimisers("uoro").recurrent == SGD(rate=1e-4) and add.optimisers("uoro").readout == SGD(rate=0.01)
    assert add.optimisers("rtrl") is add.training


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bptt", rules.BPTT()),
        ("tbptt-10", rules.Truncated(window=10)),
        ("sliding-7", rules.Sliding(window=7)),
        ("snap-1", rules.SnAp(order=1)),
        ("kf-rtrl", rules.KFRTRL()),
        ("eprop-random", rules.EProp(feedback=Random())),
        ("readout-spiking", rules.ReadoutOnly()),
    ],
)
def test_rules_have_names(name, expected):
    assert registry.rule(name) == expected


@pytest.mark.parametrize("name", registry.SETTINGS)
def test_every_task_is_compared_by_every_rule_it_usually_has(name):
    if name == "rows":
        pytest.skip("needs MNIST")
    comparison = Comparison(task=name)
    for each in comparison.rules:
        registry.rule(each).check(comparison.setting.network(each))


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--task", "ad"], ["unknown task 'ad'; did you mean 'add'?"]),
        (["--task", "add", "--rules", "rtlr"], ["unknown rule 'rtlr'; did you mean 'rtrl'?", "where N is a number"]),
        (["--task", "add", "--rules", "tbptt"], ["unknown rule 'tbptt'; did you mean", "tbptt-N"]),
        (["--task", "add", "--rules", "tbptt-0"], ["Truncated.window=0 must be an integer >= 1"]),
        (["--task", "add", "--rules", "rtrl,rtrl"], ["one is named twice"]),
        (["--task", "add", "--steps", "0"], ["steps=0 must be an integer >= 1"]),
        (["--task", "add", "--units", "0"], ["units=0 must be an integer >= 1"]),
        (["--task", "add", "--seeds", "0"], ["seeds=0 must be an integer >= 1"]),
        (["--task", "add", "--jobs", "0"], ["jobs=0 must be an integer >= 1"]),
        (["--task", "add", "--epochs", "3"], ["--epochs is for comparing on images; leave out --task"]),
        (["--task", "add", "--data", "digits"], ["--data is for comparing on images"]),
        (["--steps", "3"], ["--steps is for comparing with --task"]),
    ],
)
def test_bad_input_is_refused_on_one_line_before_anything_is_written(capfd, tmp_path, arguments, parts):
    assert main(["compare", "--out", str(tmp_path / "out"), *arguments]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert re.fullmatch(r"spikelearn: error: [^\n]+\n", err)
    for part in parts:
        assert part in err
    assert not (tmp_path / "out").exists()


def test_the_command_prints_the_table_and_where_things_are(capfd, tmp_path):
    arguments = ["compare", "--task", "add", "--rules", "rflo", "--seeds", "1", "--jobs", "1", "--steps", "200"]
    arguments += ["--units", "6", "--out", str(tmp_path)]
    assert main(arguments) == 0
    out, err = capfd.readouterr()
    assert err == ""  # the bar is for terminals
    assert re.search(r"^rflo +1 +0\.\d{4} +\d+(\.\d+)? +- +0\.\d +\d+$", out, re.MULTILINE)
    assert "optimum: 0.4545" in out and str(tmp_path) in out
    assert main([*arguments, "--json"]) == 0
    result = json.loads(capfd.readouterr().out)
    assert [row["rule"] for row in result["rows"]] == ["bptt", "readout", "rflo"]


def test_curves_and_levels_are_drawn_where_they_are():
    axes = Figure().add_subplot()
    curves = {"bptt": ([1, 2], [0.9, 0.5]), "readout": ([1, 2], [0.9, 0.8]), "gone": ([], [])}
    drawn.loss_curves(axes, curves, {"optimum": 0.4}, drawn.styles(list(curves)))
    lines = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert lines["bptt"] == [[1, 0.9], [2, 0.5]] and "gone" not in lines
    assert any(set(line.get_ydata()) == {0.4} for line in axes.lines)
    with pytest.raises(InputError, match="no curves"):
        drawn.loss_curves(axes, {"gone": ([], [])}, {}, {})


def test_a_seed_that_stopped_early_counts_as_far_as_it_came():
    runs = [{"points": [{"step": s, "loss": s + k} for s in range(n)]} for k, n in ((0, 3), (1, 2))]
    assert table.curve(runs, "loss") == ([0, 1, 2], [0.5, 1.5, 2])
