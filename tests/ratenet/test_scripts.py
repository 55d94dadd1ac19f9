"""Scripts beside the experiments: the search for rates, the measurement of speed, the example of one's own rule."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def script(folder, name):
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(f"{folder}_{name}", ROOT / folder / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def start(monkeypatch, capsys):
    """Run the main of a script with arguments; return what it printed."""

    def run(folder, name, *arguments):
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        script(folder, name).main()
        return capsys.readouterr().out

    return run


def found(out):
    """What the search wrote of each candidate."""
    return {path.name: path.read_text() for path in (out / "candidates").iterdir()}


def test_the_search_judges_on_training_images_only(start, tmp_path):
    module = script("experiments", "learning_rates")
    held, data = module.validation("smoke"), module.sl.load("digits")
    assert len(held.train) + len(held.test) == len(data.train)
    assert (held.test.x == data.train.x[-300:]).all()
    start("experiments", "learning_rates", "--rules", "bp,fa", "--out", tmp_path)
    table = (tmp_path / "learning_rates.md").read_text()
    assert table.count("| bp |") == 3
    assert table.count("**") == 4  # the best of each rule
    results = found(tmp_path)
    assert len(results) == 6
    start("experiments", "learning_rates", "--rules", "bp,fa", "--jobs", 1, "--out", tmp_path)
    assert found(tmp_path) == results


def test_a_search_on_other_images_is_not_gone_on_with(start, tmp_path, monkeypatch):
    start("experiments", "learning_rates", "--rules", "bp", "--out", tmp_path)
    before = found(tmp_path)
    half = script("experiments", "learning_rates").sl.load("digits")
    monkeypatch.setattr("spikelearn.load", lambda source: replace(half, train=half.train.first(900)))
    with pytest.raises(SystemExit, match=r"bp-1-1\.json is of another comparison: images\.train is '.*' there, now"):
        start("experiments", "learning_rates", "--rules", "bp", "--out", tmp_path)
    assert found(tmp_path) == before


def test_a_rule_that_the_search_does_not_know_is_refused(start, tmp_path):
    with pytest.raises(SystemExit, match=r"unknown rule 'pb'"):
        start("experiments", "learning_rates", "--rules", "pb", "--out", tmp_path)


def test_what_the_registry_holds_was_a_candidate_of_the_search():
    module = script("experiments", "learning_rates")
    tables = ("learning_rates.md", "learning_rates_digits.md")
    committed = "".join((ROOT / "experiments" / "results" / name).read_text() for name in tables)
    for name, candidates in module.GRID.items():
        assert module.entry(name).rule in candidates, name
        for rule in candidates:
            assert f"| {name} | `{rule!r}` |" in committed, name


def test_speed_prints_both(start):
    printed = start("experiments", "rate_speed", "--rounds", 1, "--steps", 3, "--sizes", "64,32,10")
    assert "plain product" in printed
    assert "backprop, adam" in printed
    printed = start("experiments", "rate_speed", "--rounds", 1, "--steps", 1, "--architecture", "mnist-local")
    assert printed.count("Local(") == 2 and "together" in printed


def test_the_example_of_ones_own_rule_shows_what_it_says(capsys):
    path = ROOT / "experiments" / "own_rate_rule.py"
    exec(compile(path.read_text(), str(path), "exec"), {"__name__": "__main__"})
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    errors, degrees = [float(line[2]) for line in shown], [float(line[5]) for line in shown]
    assert errors[0] < 10
    assert degrees[0] < degrees[2]
    assert degrees[2] > 85  # feedback that is new each time teaches nothing
