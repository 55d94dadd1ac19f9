"""Each experiment runs at scale smoke, goes on where it was, and its figure is drawn from what it wrote."""

import importlib.util
import json
import sys
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


def drawn(out, name):
    """The caption, after a look at the pictures."""
    assert (out / f"{name}.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert (out / f"{name}.pdf").read_bytes()[:5] == b"%PDF-"
    return (out / f"{name}.txt").read_text()


def test_credit_assignment_and_its_figure(start, tmp_path):
    arguments = ("--rules", "fa,np,wp", "--jobs", 1, "--out", tmp_path)
    first = start("experiments", "credit_assignment", *arguments)
    report = json.loads((tmp_path / "credit_assignment.json").read_text())
    assert [result["rule"] for result in report["results"]] == ["bp", "shallow", "fa", "np", "wp"]
    assert start("experiments", "credit_assignment", *arguments) == first  # the seconds, too: nothing is run again
    table = (tmp_path / "credit_assignment.md").read_text()
    assert "| fa |" in table
    assert "prototype, same network, Adam 1e-3, 5 epochs" in table
    assert "rate: search" in table
    start("figures", "credit_assignment", "--results", tmp_path / "credit_assignment.json", "--out", tmp_path)
    caption = drawn(tmp_path, "credit_assignment")
    assert "5 answers on 300 training images of digits, 64-20-20-10, 1 epochs, 1 seed." in caption


def test_the_linear_task_and_its_figure(start, tmp_path):
    first = start("experiments", "feedback_alignment_linear", "--jobs", 1, "--out", tmp_path)
    assert start("experiments", "feedback_alignment_linear", "--jobs", 1, "--out", tmp_path) == first
    start("figures", "feedback_alignment_linear", "--results", tmp_path / "feedback_alignment_linear.json",
          "--out", tmp_path)  # fmt: skip
    assert "medians over 1 seeds" in drawn(tmp_path, "feedback_alignment_linear")


def test_the_search_judges_on_training_images_only(start, tmp_path):
    module = script("experiments", "learning_rates")
    held, data = module.validation("smoke"), module.sl.load("digits")
    assert len(held.train) + len(held.test) == len(data.train)
    assert (held.test.x == data.train.x[-300:]).all()
    start("experiments", "learning_rates", "--rules", "bp,fa", "--out", tmp_path)
    table = (tmp_path / "learning_rates.md").read_text()
    assert table.count("| bp |") == 3
    assert table.count("**") == 4  # the best of each rule
    lines = (tmp_path / "learning_rates.jsonl").read_text()
    start("experiments", "learning_rates", "--rules", "bp,fa", "--out", tmp_path)
    assert (tmp_path / "learning_rates.jsonl").read_text() == lines


def test_what_the_registry_holds_was_a_candidate_of_the_search():
    module = script("experiments", "learning_rates")
    committed = (ROOT / "experiments" / "results" / "learning_rates.md").read_text()
    for name, candidates in module.GRID.items():
        assert module.entry(name).rule in candidates, name
        for rule in candidates:
            assert f"| {name} | `{rule!r}` |" in committed, name


def test_speed_prints_both(start):
    printed = start("experiments", "rate_speed", "--rounds", 1, "--steps", 3, "--sizes", "64,32,10")
    assert "plain product" in printed
    assert "backprop, adam" in printed


@pytest.mark.parametrize("name", ["credit_assignment", "feedback_alignment_linear"])
def test_figures_can_be_drawn_from_the_committed_results(start, tmp_path, name):
    start("figures", name, "--out", tmp_path)
    drawn(tmp_path, name)


def test_the_example_of_ones_own_rule_shows_what_it_says(capsys):
    path = ROOT / "experiments" / "own_rate_rule.py"
    exec(compile(path.read_text(), str(path), "exec"), {"__name__": "__main__"})
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    errors, degrees = [float(line[2]) for line in shown], [float(line[5]) for line in shown]
    assert errors[0] < 10
    assert degrees[0] < degrees[2]
    assert degrees[2] > 85  # feedback that is new each time teaches nothing
