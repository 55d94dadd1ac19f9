"""``spikelearn sweep``: what it prints, and what would be run."""

import json

import numpy as np
import pytest
from conftest import needs_jit

import spikelearn as sl
from spikelearn.cli import main
from spikelearn.sweeps.grid import read
from sweeps.conftest import measured, toml

pytestmark = needs_jit


@pytest.fixture
def command(grid, tmp_path, capfd):
    """Run the command; return status, and what it printed."""

    def run(*options, **changes):
        file = toml(tmp_path / "grid.toml", {**grid, **changes})
        status = main(["sweep", str(file), "--out", str(tmp_path / "out"), *options])
        return status, *capfd.readouterr()

    return run


def test_it_prints_mean_and_spread_of_each_setting(command, grid, tmp_path):
    status, out, err = command()
    assert (status, err) == (0, "")
    head, *lines, last = out.splitlines()
    assert head.split()[:2] == ["setting", "runs"] and last == f"table in {tmp_path / 'out' / 'table.csv'}"
    rows = json.loads((tmp_path / "out" / "table.json").read_text())
    for line, g_apical in zip(lines, (0.0, 0.05), strict=True):
        errors = [row["test_error"] for row in rows if row["g_apical"] == g_apical]
        wanted = f"{np.mean(errors):.2f} +- {np.std(errors, ddof=1):.2f}"
        assert line.startswith(f"g_apical={g_apical}") and line.count(wanted) >= 1
    assert measured(rows) == measured(sl.sweep(grid, tmp_path / "python"))


def test_json_is_the_table(command, tmp_path):
    status, out, err = command("--json")
    assert (status, err) == (0, "") and out.count("\n") == 1
    found = json.loads(out)
    assert found["folder"] == str(tmp_path / "out") and found["failed"] == 0
    assert found["rows"] == json.loads((tmp_path / "out" / "table.json").read_text())


def test_the_folder_is_called_after_the_file(grid, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", str(toml(tmp_path / "two.toml", grid | {"seeds": 1, "epochs": 1}))]) == 0
    assert (tmp_path / "runs" / "two" / "table.csv").is_file()


def test_a_failed_run_is_named_and_is_status_1(command, monkeypatch):
    def fail(self, *args):
        raise OSError("no space left on device")

    monkeypatch.setattr(sl.runs.Run, "train", fail)
    status, out, err = command()
    assert status == 1 and "2 failed" in out
    wanted = "g_apical=0.0, seed 1: OSError: no space left on device; 4 runs failed; the same command tries again"
    assert err == f"spikelearn: {wanted}\n"


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(command, tmp_path):
    status, out, err = command("--dry-run", "--json")
    assert (status, err) == (0, "") and not (tmp_path / "out").exists()
    rows = json.loads(out)["rows"]
    assert [(row["setting"], row["runs"], row["done"], row["begun"], row["epochs"]) for row in rows] == [
        ("g_apical=0.0", 2, 0, 0, 4),
        ("g_apical=0.05", 2, 0, 0, 4),
    ]
    assert all(row["seconds"] > 0 for row in rows)
    command()
    sizes = [path.stat().st_size for path in (tmp_path / "out" / "runs").rglob("*") if path.is_file()]
    assert 0.5 < sum(row["bytes"] for row in rows) / sum(sizes) < 2
    left = json.loads(command("--dry-run", "--json", seeds=3)[1])["rows"]
    assert [(row["runs"], row["done"], row["epochs"]) for row in left] == [(3, 2, 2), (3, 2, 2)]


def test_a_dry_run_counts_epochs_of_runs_that_were_begun(command, grid, tmp_path):
    config = sl.sweeps.plan.plan(read(grid)).config("g_apical=0.05", 1)
    run = sl.runs.Run.start(tmp_path / "out" / "runs" / "g_apical=0.05-1", config, sl.load(grid["data"]))

    def stop(chunk):
        if chunk.epoch == 0 and chunk.stop == 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.train(stop)
    status, out, _ = command("--dry-run")
    lines = out.splitlines()
    assert status == 0 and lines[2].split()[:5] == ["g_apical=0.05", "2", "0", "1", "3"]
    assert lines[-1].startswith("4 runs to do: about ") and "with 1 process, " in lines[-1]


def test_places_exclude_each_other(command):
    status, out, err = command("--jobs", "2", "--slurm")
    assert (status, out) == (2, "") and err.count("\n") == 1 and "not allowed with" in err
    status, out, err = command("--jobs", "0")
    assert (status, out) == (2, "") and err == "spikelearn: error: jobs=0 must be an integer >= 1\n"
