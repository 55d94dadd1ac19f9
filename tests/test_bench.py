"""Timing: what is in the result, for the engines and for their peers. How long anything took is never asserted."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from spikelearn import bench, cli
from spikelearn.cli import bench as command
from spikelearn.engines import Clock, Event, Rates
from spikelearn.errors import InputError
from spikelearn.peers import Brian2, NumPy

SIZES = 20, 30, 3
FEW = {"examples": 100, "test_images": 10, "peer_examples": 2, "peer_images": 1}
HAS_BRIAN2 = importlib.util.find_spec("brian2") is not None
COMMAND = ["bench", "--sizes", "20,30,3", "--examples", "100", "--test-images", "10"]
KEYS = {
    "engine", "settings", "sizes", "reading", "g_apical", "images", "threads", "learns", "train_ms",
    "train_examples_per_s", "train_speed", "test_ms", "test_images_per_s", "compile_s", "peak_memory_mb",
}  # fmt: skip


@pytest.fixture
def without_brian2(monkeypatch):
    """Run peers in this process, where Brian2 cannot be imported."""
    monkeypatch.setitem(sys.modules, "brian2", None)
    monkeypatch.setattr(bench, "apart", lambda function, *arguments: function(*arguments))


def check_entry(entry, work):
    assert set(entry) == KEYS | {work}
    assert entry["sizes"] == [20, 30, 3]
    assert entry["train_examples_per_s"] == pytest.approx(1000 / entry["train_ms"])
    assert entry["test_images_per_s"] == pytest.approx(1000 / entry["test_ms"])
    assert entry["peak_memory_mb"] > 10
    assert entry["compile_s"] >= 0


def test_the_clock_engine_reports_the_steps_of_the_network():
    result = bench.bench(SIZES, engine=Clock(dt=0.5), threads=2, **FEW)
    assert result.pop("peers") == []
    assert result.pop("undecided") is None
    assert result.pop("machine")["cpu_count"] >= 1
    check_entry(result, "steps_per_s")
    assert (result["engine"], result["threads"], result["learns"]) == ("clock", 2, True)
    assert result["settings"] == {"dt": 0.5, "dtype": "float32"}
    steps = result["steps_per_s"] * result["train_ms"] / 1000
    assert 4 * 50 < steps < 4 * 52  # two steps a millisecond, 50 ms and a little twice
    assert result["train_speed"] * result["train_ms"] == pytest.approx(steps / 2)


def test_the_event_engine_reports_the_spikes_of_inputs_and_neurons():
    result = bench.bench(SIZES, engine=Event(), reading="text", **FEW)
    apart = "machine", "peers", "undecided"
    check_entry({key: value for key, value in result.items() if key not in apart}, "events_per_s")
    assert result["reading"] == "text"
    images, _ = bench._images(SIZES)
    inputs = 0.2 * images.intensities(slice(100)).sum(axis=1).mean() * 104
    spikes = result["events_per_s"] * result["train_ms"] / 1000
    assert 1.1 * inputs < spikes < inputs + 0.2 * 33 * 104


def test_peers_report_what_the_engine_does():
    peers = NumPy(), Brian2(target="numpy")
    stages = []
    result = bench.bench(SIZES, engine=Clock(), g_apical=0.05, peers=peers, progress=stages.append, **FEW)
    assert stages == ["compiling", "training", "testing", "NumPy", "Brian2"]
    numpy, brian2 = result["peers"]
    check_entry(numpy, "steps_per_s")
    assert (numpy["engine"], numpy["g_apical"], numpy["learns"], numpy["threads"]) == ("numpy", 0.05, True, 1)
    if HAS_BRIAN2:
        check_entry(brian2, "steps_per_s")
        assert (brian2["engine"], brian2["learns"], brian2["settings"]["target"]) == ("brian2", False, "numpy")
    else:
        assert set(brian2) == {"engine", "skipped"}


def test_a_peer_that_cannot_run_is_skipped_with_the_reason(without_brian2):
    skipped, numpy = bench.bench(SIZES, engine=Clock(), peers=(Brian2(), NumPy()), **FEW)["peers"]
    assert set(skipped) == {"engine", "skipped"} and skipped["engine"] == "brian2"
    assert "pip install 'spikelearn[brian2]'" in skipped["skipped"]
    check_entry(numpy, "steps_per_s")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sizes": (20,)}, "--sizes 20: 2 to 4 layers can be timed"),
        ({"sizes": (20, 9, 9, 9, 3)}, "2 to 4 layers can be timed"),
        ({"reading": "txt"}, "did you mean 'text'?"),
        ({"g_apical": -1.0}, "HiddenNeuron.g_apical=-1.0 must be a finite number >= 0"),
        ({"examples": 0}, "examples=0 must be an integer >= 1"),
        ({"threads": 0}, "threads=0 must be an integer >= 1"),
        ({"peer_images": 0}, "peer_images=0 must be an integer >= 1"),
    ],
)
def test_what_cannot_be_timed_is_refused(change, message):
    with pytest.raises(InputError) as refused:
        bench.bench(**{"sizes": SIZES, "engine": Clock()} | change)
    assert message in str(refused.value)


# -- from the shell ---------------------------------------------------------------------------------------------------


def test_the_command_prints_one_json_object(capfd, monkeypatch):
    monkeypatch.setattr(command, "PEERS", (NumPy(),))
    assert cli.main([*COMMAND, "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["peers"] == []
    assert cli.main([*COMMAND, "--json", "--peers", "--reading", "text", "--threads", "2"]) == 0
    out, err = capfd.readouterr()
    assert err == "" and out.count("\n") == 1
    result = json.loads(out)
    assert (result["reading"], result["threads"], result["engine"]) == ("text", 2, "event")
    assert [peer["engine"] for peer in result["peers"]] == ["numpy"]


def test_the_command_prints_a_row_for_the_engine_and_for_each_peer(capfd, without_brian2):
    assert cli.main([*COMMAND, "--peers"]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    what, rates, undecided, _, event, numpy, brian2 = out.splitlines()
    assert what.startswith("20-30-3 (released), g_apical 0/ms, images: random, threads for testing: 1; ")
    assert "events/s; testing: " in rates
    assert re.fullmatch(r"candidates for spikes that needed their exact potential: [\d.]+ %", undecided)
    assert event.split()[:2] == ["event", "float32"] and event.split()[3:6:2] == ["1", "1"]  # ratios to itself
    assert numpy.split()[:2] == ["numpy", "float32"] and len(numpy) == len(event)
    assert brian2.startswith("brian2 was skipped: Brian2 cannot be imported")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sizes", "20,x"], "--sizes '20,x' must be integers joined by commas"),
        (["--engine", "clok"], "did you mean 'clock'?"),
        (["--peer"], "did you mean '--peers'?"),
        (["--examples", "many"], "'many' is not an integer"),
    ],
)
def test_what_the_command_cannot_use_is_refused_on_one_line(capfd, arguments, message):
    assert cli.main(["bench", *arguments]) == 2
    out, err = capfd.readouterr()
    assert out == "" and err.count("\n") == 1 and message in err


# -- the experiment ---------------------------------------------------------------------------------------------------


def test_the_experiment_goes_on_after_a_configuration_that_fails_and_says_why(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent.parent / "experiments")
    import speed

    entry = bench.bench(SIZES, engine=Clock(), **FEW) | {"events_per_s": 1.0}
    entry["peers"] = [dict(entry), {"engine": "brian2", "skipped": "not here"}]
    called = []

    def run(command, **options):
        called.append(command)
        if "--engine=event" in command and ("--g-apical=0.05" in command or "--sizes=784,4000,10" in command):
            return subprocess.CompletedProcess(command, 2, "", "spikelearn: error: cannot do that\n")
        return subprocess.CompletedProcess(command, 0, json.dumps(entry), "")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(speed, "operations", float)
    configurations = [*speed.NETWORKS, *speed.THREADS, *speed.SIZES.values(), *speed.PEERS]
    outcomes = speed.measure(configurations, [], 2)
    assert len(called) == 2 * len(set(configurations)) - 2  # what failed: once
    text = speed.tables(outcomes)
    assert text.count("cannot do that") == 2 and text.count("skipped: not here") == len(speed.PEERS)
    for name in ("784-500-100-10", "g_apical=0.05", "| 4000 |", "| clock | 2 |"):
        assert name in text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith(" |") and "nan" not in line for line in lines)


# -- the event engine's bounds ----------------------------------------------------------------------------------------


def test_few_candidates_of_the_event_engine_need_their_exact_potential():
    """Of a published network: bounds of potentials are there to decide nearly all."""
    result = bench.bench(SIZES, engine=Event(), **FEW)
    assert 0 < result["undecided"] < 0.2
    assert bench.bench(SIZES, engine=Rates(), **FEW)["undecided"] is None
