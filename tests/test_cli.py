"""The command line: what it prints, writes and returns, and how it says no."""

import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import IMPATIENT

import spikelearn as sl
from spikelearn import datasets, descriptions, evaluation, runs, storage, training
from spikelearn.cli import main
from spikelearn.engines import Clock, Event
from spikelearn.models import guerguiev2017

ROOT = Path(runs.__file__).parents[1]
N = 20  # training images of the small data set
RUN_FILES = {"config.json", "environment.json", "metrics.csv", "checkpoint.h5", "learning_curve.png"}


def bars(n, seed):
    """Images of 9 pixels, a bar for each of three classes in noise."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % 3)
    x = 0.3 * rng.random((n, 9)) + 0.7 * np.eye(3)[y].repeat(3, axis=1)
    return x.astype(np.float32), y


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    """A file with 20 images to train on and 9 to test on."""
    path = tmp_path_factory.mktemp("images") / "bars.npz"
    (x, y), (x_test, y_test) = bars(N, 0), bars(9, 1)
    np.savez(path, x_train=x, y_train=y, x_test=x_test, y_test=y_test)
    return str(path)


@pytest.fixture
def cli(capfd):
    """Run a command in this process; return status, stdout and stderr."""

    def run(*arguments):
        status = main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return status, out, err

    return run


@pytest.fixture
def done(cli):
    """Run a command that must succeed with --json; return its result."""

    def run(*arguments):
        status, out, err = cli(*arguments, "--json")
        assert (status, err) == (0, "")
        assert out.count("\n") == 1  # one object on one line
        return json.loads(out)

    return run


@pytest.fixture
def refused(cli):
    """Run a command that must be refused, on one line that matches all the parts."""

    def run(arguments, *parts):
        status, out, err = cli(*arguments)
        assert (status, out) == (2, "")
        assert re.fullmatch(r"spikelearn: error: [^\n]+\n", err)
        for part in parts:
            assert part in err

    return run


def order(source, out, *more):
    """Arguments of a training that takes milliseconds."""
    small = ["--hidden", "5", "--epochs", "2"]
    return ["train", "one-hidden", "--data", source, *small, "--out", out, *more]


@pytest.fixture(scope="module")
def trained(source, tmp_path_factory):
    """A run, trained once; to be read only."""
    path = tmp_path_factory.mktemp("trained") / "run"
    assert main(list(map(str, order(source, path, "--json")))) == 0
    return path


@pytest.fixture
def run(trained, tmp_path):
    """A copy of that run, to be maltreated."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


def arrays(path):
    return storage.load_checkpoint(path / "checkpoint.h5")[0]


def assert_equal_weights(first, second):
    ours, theirs = arrays(first), arrays(second)
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        np.testing.assert_array_equal(array, theirs[name], err_msg=name)


def held(path):
    return {each.name: each.read_bytes() for each in path.iterdir()}


def configuration(path):
    return descriptions.from_dict(runs.Config, json.loads((path / "config.json").read_text()))


# -- train ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("network", "hidden"), [("no-hidden", ()), ("one-hidden", (20,)), ("two-hidden", (20, 10))])
def test_every_network_is_trained_on_digits(done, tmp_path, network, hidden):
    sizes = ["--hidden", ",".join(map(str, hidden))] if hidden else []
    out = tmp_path / "run"
    result = done(
        "train", network, "--data", "digits", *sizes, "--examples", 60, "--epochs", 2, "--seed", 4, "--out", out
    )
    config = configuration(out)
    assert config.model == guerguiev2017.NETWORKS[network]("released", n_input=64, hidden=hidden, n_output=10)
    assert (config.name, config.reading, config.data) == (network, "released", "digits")
    assert (config.examples, config.epochs, config.seed) == (60, 2, 4)
    assert set(os.listdir(out)) == RUN_FILES
    assert (out / "learning_curve.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    header, *rows = (out / "metrics.csv").read_text().splitlines()
    losses = ",".join(f"loss_{layer}" for layer in range(len(hidden) + 1))
    assert header == f"epoch,examples,train_error,test_error,{losses},train_seconds,test_seconds"
    assert [row.split(",")[:2] for row in rows] == [["1", "60"], ["2", "120"]]
    assert result["folder"] == str(out) and result["picture"] == str(out / "learning_curve.png")
    assert (result["epoch"], result["examples"]) == (2, 120)
    assert 0 <= result["test_error"] <= 100


def test_training_tells_a_person_what_it_does_and_where_it_went(cli, source, tmp_path):
    status, out, err = cli(*order(source, tmp_path / "run"))
    assert (status, err) == (0, "")  # no progress bar where nobody watches
    first, *_ = out.splitlines()
    assert first == f"one-hidden 9-5-3 (released) on {source}: 20 images, 2 epochs"
    error = storage.RunFolder.open(tmp_path / "run").metrics()[-1]["test_error"]
    assert f"test error {error:.2f} % after 2 epochs" in out
    assert str(tmp_path / "run") in out and "learning_curve.png" in out


def test_options_reach_the_configuration(done, source, tmp_path):
    more = ["--reading", "text", "--examples", 7, "--seed", 9]
    more += ["--engine", "clock", "--set", "engine.dt=0.5", "--set", "engine.dtype=float64"]
    sets = ["--set", "g_apical=0.05", "--set", "model.learning_rates=0.1,0.2", "--set", "chunk_size=3"]
    done(*order(source, tmp_path / "run", *more, *sets))
    config = configuration(tmp_path / "run")
    assert (config.reading, config.examples, config.seed, config.chunk_size) == ("text", 7, 9, 3)
    assert config.model.network.synapse.cutoff is None
    assert config.model.network.hidden.g_apical == 0.05
    assert config.model.learning_rates == (0.1, 0.2)
    assert config.engine == Clock(dt=0.5, dtype="float64")
    assert arrays(tmp_path / "run")["W/0"].dtype == np.float64
    assert storage.load_checkpoint(tmp_path / "run" / "checkpoint.h5")[1]["trials"] == 14


def test_what_is_not_said_has_the_documented_default(cli, source, tmp_path, monkeypatch):
    monkeypatch.setattr(runs.Run, "train", lambda self, on_chunk: [{"epoch": 0, "train_error": 0, "test_error": 0}])
    assert cli("train", "one-hidden", "--hidden", 5, "--out", tmp_path / "run")[0] == 0
    config = configuration(tmp_path / "run")
    assert (config.data, config.epochs, config.seed, config.reading) == ("digits", 10, 1, "released")
    assert config.examples is None
    assert config.engine == Event()


def test_equal_seeds_train_equal_networks_and_others_do_not(done, source, tmp_path):
    for name, seed in {"a": 1, "b": 1, "c": 2}.items():
        done(*order(source, tmp_path / name, "--seed", seed))
    assert_equal_weights(tmp_path / "a", tmp_path / "b")
    assert (arrays(tmp_path / "a")["W/0"] != arrays(tmp_path / "c")["W/0"]).any()


def test_a_run_is_replaced_only_when_asked_to(done, refused, source, run, tmp_path):
    before = held(run)
    refused(order(source, run, "--seed", 2), "already holds a run", "--resume", "--overwrite")
    assert held(run) == before
    done(*order(source, run, "--seed", 2, "--overwrite"))
    done(*order(source, tmp_path / "fresh", "--seed", 2))
    assert_equal_weights(run, tmp_path / "fresh")
    assert configuration(run).seed == 2


def test_a_folder_of_idx_files_is_a_data_set(done, tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for name, n, seed in (("train", 12, 0), ("t10k", 6, 1)):
        x, y = bars(n, seed)
        pixels = np.rint(255 * x.reshape(n, 3, 3)).astype(np.uint8)
        sizes = np.array([n, 3, 3], ">u4").tobytes()
        (folder / f"{name}-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03" + sizes + pixels.tobytes())
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01" + sizes[:4] + y.astype(np.uint8).tobytes())
    result = done("train", "no-hidden", "--data", folder, "--epochs", 1, "--out", tmp_path / "run")
    assert result["examples"] == 12
    assert configuration(tmp_path / "run").model.network.sizes == (9, 3)
    assert done("evaluate", tmp_path / "run", "--data", folder)["images"] == 6


def test_a_relative_path_to_images_is_found_again_from_anywhere(done, source, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(source, tmp_path / "here.npz")
    monkeypatch.chdir(tmp_path)
    done(*order("here.npz", tmp_path / "run"))
    monkeypatch.chdir(tmp_path / "elsewhere")
    done("train", "one-hidden", "--out", tmp_path / "run", "--resume", "--epochs", 3)
    done("train", "one-hidden", "--out", tmp_path / "run", "--resume", "--epochs", 4, "--data", "../here.npz")


# -- resume -----------------------------------------------------------------------------------------------------------


def test_resuming_for_more_epochs_equals_training_for_them_at_once(done, source, run, tmp_path):
    result = done("train", "one-hidden", "--out", run, "--resume", "--epochs", 4)
    done(*order(source, tmp_path / "whole", "--epochs", 4))
    assert_equal_weights(run, tmp_path / "whole")
    assert (result["epoch"], result["examples"]) == (4, 4 * N)
    assert configuration(run) == configuration(tmp_path / "whole")


def test_the_same_command_again_with_resume_goes_on(done, source, tmp_path):
    more = ["--seed", 1, "--reading", "text", "--examples", 9, "--set", "g_apical=0.05"]
    first = done(*order(source, tmp_path / "run", *more))
    again = done(*order(source, tmp_path / "run", *more), "--resume")
    assert again == first


OTHER_OPTIONS = [
    ([], "no-hidden", "holds a run of one-hidden, not of no-hidden"),
    (["--data", "digits"], "one-hidden", "digits train: examples of 64 inputs do not fit a network with 9 inputs"),
    (["--seed", "2"], "one-hidden", "--seed 2 differs from the run's 1"),
    (["--seed", "0"], "one-hidden", "--seed 0 differs from the run's 1"),
    (["--hidden", "6"], "one-hidden", "--hidden 6 differs from the run's (5,)"),
    (["--reading", "text"], "one-hidden", "--reading text differs from the run's released"),
    (["--engine", "clok"], "one-hidden", "--engine clok differs from the run's event"),
    (["--examples", "7"], "one-hidden", "--examples 7 differs from the run's None"),
    (["--set", "g_apical=0.05"], "one-hidden", "--set g_apical=0.05 differs from the run's configuration"),
    (["--set", "g_apicl=0.05"], "one-hidden", "g_apicl: unknown key; did you mean 'g_apical'?"),
    (["--overwrite"], "one-hidden", "--overwrite does not go with --resume"),
    (["--epochs", "1"], "one-hidden", "has already been trained for 2 epochs, more than epochs=1; raise it"),
    (["--epochs", "0"], "one-hidden", "epochs=0 must be an integer >= 1"),
]


@pytest.mark.parametrize(("options", "network", "message"), OTHER_OPTIONS)
def test_resuming_as_another_run_is_refused_and_nothing_is_lost(refused, run, options, network, message):
    before = held(run)
    refused(["train", network, "--out", run, "--resume", *options], message)
    assert held(run) == before


def test_resuming_where_there_is_no_run_is_refused(refused, source, tmp_path):
    refused(order(source, tmp_path / "new", "--resume"), "is not a run folder: no config.json")
    assert not (tmp_path / "new").exists()


# -- evaluate, info, data ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def unsure(source, tmp_path_factory):
    """A run that has learned well enough for its errors to be a matter of its spikes; to be read only."""
    path = tmp_path_factory.mktemp("unsure") / "run"
    options = ["--reading", "text", "--epochs", "4", "--data", source, "--out", str(path), "--json"]
    assert main(["train", "no-hidden", *options]) == 0
    return path


def test_evaluating_gives_the_error_of_every_repetition(done, unsure, source):
    result = done("evaluate", unsure, "--repeats", 20)
    errors = result["test_errors"]
    assert len(errors) == result["repeats"] == 20
    assert result["images"] == 9
    assert result["test_error"] == pytest.approx(np.mean(errors))
    assert result["test_error_sd"] == pytest.approx(np.std(errors, ddof=1))
    # The first repetition is the test after the last epoch.
    assert errors[0] == storage.RunFolder.open(unsure).metrics()[-1]["test_error"]
    assert len(set(errors)) > 1
    assert result["data"] == source


def test_evaluating_once_has_no_spread(done, cli, trained):
    result = done("evaluate", trained)
    assert result["test_error_sd"] is None
    _, out, _ = cli("evaluate", trained)
    assert re.match(r"test error [\d.]+ % on 9 images of ", out)


def test_evaluating_in_threads_gives_the_same_and_says_the_spread(done, cli, unsure):
    assert done("evaluate", unsure, "--repeats", 5, "--threads", 3) == done("evaluate", unsure, "--repeats", 5)
    _, out, _ = cli("evaluate", unsure, "--repeats", 5)
    assert re.match(r"test error [\d.]+ % \+- [\d.]+ \(SD over 5 repeats of one network\) on 9 images", out)


def test_evaluating_uses_the_engine_of_the_run(done, tmp_path):
    # 360 images and a network at chance: with other spikes, the error would be another.
    digits = ["train", "no-hidden", "--engine", "clock", "--examples", 30, "--epochs", 1, "--out", tmp_path / "run"]
    result = done(*digits, "--set", "engine.dt=0.5")
    assert done("evaluate", tmp_path / "run")["test_error"] == result["test_error"]
    config, weights = runs.load_run(tmp_path / "run")
    images = datasets.load("digits").test
    for dt, same in ((0.5, True), (1.0, False)):
        predictions = evaluation.evaluate(config.model.network, weights, images, seed=1, engine=Clock(dt=dt))
        assert (evaluation.error_percent(predictions, images.y)[0] == result["test_error"]) == same


def test_evaluating_on_other_images_or_with_other_spikes(done, trained, tmp_path):
    x, y = bars(30, 5)
    np.savez(tmp_path / "others.npz", x=x, y=y)
    result = done("evaluate", trained, "--data", tmp_path / "others.npz", "--seed", 7)
    assert (result["images"], result["seed"]) == (6, 7)


def test_evaluating_writes_nothing(done, run):
    before = held(run)
    done("evaluate", run, "--repeats", 2)
    assert held(run) == before


def test_info_about_a_run_is_its_whole_configuration_and_state(done, cli, trained):
    result = done("info", trained)
    assert descriptions.from_dict(runs.Config, result["config"]) == configuration(trained)
    assert result["examples"] == 2 * N
    assert result["last_epoch"]["epoch"] == 2
    assert result["environment"]["versions"]["numpy"] == np.__version__
    status, out, _ = cli("info", trained)
    assert status == 0 and json.loads(out) == result


def test_info_about_a_run_that_has_just_begun(done, source, tmp_path):
    config = configuration_of_nothing(source)
    runs.Run.start(tmp_path / "run", config, datasets.load(source))
    result = done("info", tmp_path / "run")
    assert (result["examples"], result["last_epoch"]) == (0, None)


def configuration_of_nothing(source):
    model = guerguiev2017.no_hidden(n_input=9, n_output=3)
    return runs.Config(name="no-hidden", reading="released", model=model, data=source, epochs=1, seed=1)


def test_info_has_what_a_bug_report_needs(done, monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    result = done("info")
    assert result["versions"] == storage.machine()["versions"] and result["versions"]["spikelearn"] == sl.__version__
    assert result["python"] == platform.python_version() and result["cpu_count"] == os.cpu_count()
    assert result["compiled"] == str(tmp_path / "spikelearn" / "jit")
    assert sorted(result["data"]) == sorted(datasets.names())


def test_every_place_that_was_searched_for_images_is_reported(done, cli, tmp_path, monkeypatch):
    monkeypatch.setenv("SPIKELEARN_DATA", str(tmp_path / "nothing"))
    report = done("data")
    assert report["digits"] == ["embedded in scikit-learn"]
    assert len(report["mnist"]) == 3  # the folder, its subfolder, the cache
    assert str(tmp_path / "nothing") in report["mnist"][0]
    assert str(tmp_path / "nothing" / "fashion") in report["fashion"][0]
    assert list(report) == list(datasets.names())
    assert done("info")["data"] == report
    _, out, _ = cli("data")
    assert len(out.splitlines()) == sum(map(len, report.values()))


def test_fetching_says_where_the_images_are(done, monkeypatch, tmp_path):
    monkeypatch.setattr(datasets, "fetch_mnist", lambda progress: tmp_path)
    assert done("data", "fetch", "mnist") == {"mnist": str(tmp_path)}


def test_a_failed_download_is_an_error_on_one_line(refused, monkeypatch):
    def fail(progress):
        raise sl.InputError("cannot download x: a (no network);\nb (no network)")

    monkeypatch.setattr(datasets, "fetch_mnist", fail)
    refused(["data", "fetch", "mnist"], "cannot download x: a (no network); b (no network)")


# -- refusals ---------------------------------------------------------------------------------------------------------

CLOCK = ["--engine", "clock"]
# Which arguments to put in place of or behind those of `order`, and what the error must say
BAD_ORDERS = {
    "unknown network": (["one-hiden"], "unknown network 'one-hiden'; did you mean 'one-hidden'? Known: no-hidden"),
    "network of nothing": ([""], "unknown network ''; Known: no-hidden, one-hidden, two-hidden"),
    "unknown option": (["--epoch", "2"], "unknown option '--epoch' of train; did you mean '--epochs'?"),
    "unknown option with value": (["--sead=2"], "unknown option '--sead' of train; did you mean '--seed'?"),
    "argument too many": (["more"], "unrecognized arguments: more"),
    "unknown key": (["--set", "g_apicl=1"], "g_apicl: unknown key; did you mean 'g_apical'?"),
    "ambiguous key": (["--set", "g_leak=1"], "g_leak could be any of model.network.hidden.g_leak, model.network."),
    "key without value": (["--set", "g_apical"], "'g_apical' has no '='; write g_apical=VALUE"),
    "unknown engine": (["--engine", "clok"], "unknown engine 'clok'; did you mean 'clock'?"),
    "engine of nothing": (["--engine", ""], "unknown engine ''"),
    "unknown reading": (
        ["--reading", "txt"],
        "reading='txt' is unknown; did you mean 'text'? Known: cited, released, text",
    ),
    "reading of nothing": (["--reading", ""], "reading='' is unknown; Known: cited, released, text"),
    "no epochs": (["--epochs", "0"], "epochs=0 must be an integer >= 1"),
    "negative epochs": (["--epochs", "-1"], "epochs=-1 must be an integer >= 1"),
    "epochs no number": (["--epochs", "x"], "argument --epochs: 'x' is not an integer"),
    "epochs and a half": (["--epochs", "1.5"], "argument --epochs: '1.5' is not an integer"),
    "no value": (["--epochs"], "argument --epochs: expected one argument"),
    "negative seed": (["--seed", "-1"], "seed=-1 must be an integer >= 0"),
    "seed no number": (["--seed", "one"], "argument --seed: 'one' is not an integer"),
    "empty layer": (["--hidden", "0"], "Network.sizes=(9, 0, 3): every layer needs an integer of 1 to 1048576 neurons"),
    "negative layer": (["--hidden", "-5"], "Network.sizes=(9, -5, 3): every layer needs an integer of 1 to"),
    "layer no number": (["--hidden", "a"], "--hidden 'a' must be integers joined by commas, such as 500 or 500,100"),
    "layer of nothing": (["--hidden", ""], "--hidden '' must be integers"),
    "too many layers": (["--hidden", "5,4"], "hidden=(5, 4) has 2 sizes; one-hidden needs 1"),
    "no examples": (["--examples", "0"], "examples=0 must be an integer >= 1"),
    "negative examples": (["--examples", "-3"], "examples=-3 must be an integer >= 1"),
    "too many examples": (["--examples", "21"], "cannot take the first 21 of 20 images; ask for 1 to 20"),
    "misspelt data": (
        ["--data", "digts"],
        "'digts' is not a data set, and no such path exists; did you mean 'digits'?",
    ),
    "missing data": (["--data", "/no/such/folder"], "'/no/such/folder' is not a data set, and no such path exists"),
    "too long steps": (
        [*CLOCK, "--set", "engine.dt=2"],
        "dt=2 ms is too large: dt * total conductance of the output soma = 3.4",
    ),
    "much too long steps": (
        [*CLOCK, "--set", "engine.dt=10"],
        "dt=10 ms is too large: rate_max * dt = 2 spikes a step",
    ),
    "steps of 3": ([*CLOCK, "--set", "engine.dt=3"], "is not a whole number of steps of dt=3 ms; change dt"),
    "steps that do not fit": (
        [*CLOCK, "--set", "engine.dt=0.7"],
        "Phases.settle=30 ms is not a whole number of steps of dt=0.7",
    ),
    "no steps": ([*CLOCK, "--set", "engine.dt=0"], "Clock.dt=0.0 must be a finite number > 0 ms"),
    "steps without a clock": (["--set", "engine.dt=0.5"], "engine.dt: unknown key"),
    "too long slots": (["--set", "engine.slot=2"], "Event.slot=2 ms is too long for this network; use slot <= "),
    "no slots": (["--set", "engine.slot=0"], "Event.slot=0.0 must be a finite number > 0 ms"),
    "wrong number of rates": (["--set", "learning_rates=1"], "Model.learning_rates=(1.0,) has 1 rates"),
    "negative conductance": (["--set", "g_apical=-1"], "HiddenNeuron.g_apical=-1.0 must be a finite number >= 0 1/ms"),
    "number for a name": (["--set", "data=digits"], "--set cannot change data=", "choose it with --data"),
    "reading too late": (["--set", "reading=text"], "--set cannot change reading=released; choose it with --reading"),
    "no folder": (["--out", ""], "--out is empty; name a folder for the run"),
    "nothing to resume": (["--resume"], "is not a run folder: no config.json"),
}


@pytest.mark.parametrize("what", BAD_ORDERS)
def test_a_bad_order_is_refused_on_one_line_and_nothing_is_written(refused, source, tmp_path, monkeypatch, what):
    monkeypatch.chdir(tmp_path)
    more, *parts = BAD_ORDERS[what]
    arguments = order(source, "run", *more)
    if "network" in what:
        arguments = ["train", *more, *order(source, "run")[2:]]
    refused(arguments, *parts)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("what", ["no epochs", "too many examples", "too long steps", "unknown key", "missing data"])
def test_a_bad_order_to_overwrite_spares_the_old_run(refused, source, run, what):
    before = held(run)
    refused(order(source, run, "--overwrite", *BAD_ORDERS[what][0]), *BAD_ORDERS[what][1:])
    assert held(run) == before


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ([], ["no command; Known: train, evaluate, trace, info, data", "spikelearn --help"]),
        (["trian"], ["unknown command 'trian'; did you mean 'train'? Known: train, evaluate, trace, info, data"]),
        (["--versio"], ["unknown option '--versio' before the command; did you mean '--version'?"]),
        (["--json", "info"], ["unknown option '--json' before the command"]),
        (["train"], ["the following arguments are required: NETWORK, --out; see spikelearn train --help"]),
        (["train", "one-hidden"], ["the following arguments are required: --out"]),
        (["train", "one-hidden", "--oot", "run"], ["unknown option '--oot' of train; did you mean '--out'?"]),
        (["evaluate"], ["the following arguments are required: RUN"]),
        (["evaluate", "RUN", "--repeat", "3"], ["unknown option '--repeat' of evaluate; did you mean '--repeats'?"]),
        (["evaluate", "RUN", "--repeats", "0"], ["repeats=0 must be an integer >= 1"]),
        (["evaluate", "RUN", "--repeats", "x"], ["argument --repeats: 'x' is not an integer"]),
        (["evaluate", "RUN", "--threads", "0"], ["threads=0 must be an integer >= 1"]),
        (["evaluate", "RUN", "--seed", "-1"], ["seed=-1 must be an integer >= 0"]),
        (["evaluate", "RUN", "--data", "digits"], ["examples of 64 inputs do not fit a network with 9 inputs"]),
        (["evaluate", "RUN", "--data", "minst"], ["'minst' is not a data set", "did you mean 'mnist'?"]),
        (["evaluate", "/no/such/run"], ["/no/such/run is not a run folder: no config.json"]),
        (["info", "/no/such/run"], ["/no/such/run is not a run folder: no config.json"]),
        (["info", "RUN", "more"], ["unrecognized arguments: more"]),
        (["data", "fetch", "cifar"], ["cannot fetch 'cifar'; the one known is: spikelearn data fetch mnist"]),
        (["data", "fetch"], ["no name to fetch; the one known is: spikelearn data fetch mnist"]),
        (["data", "fech", "mnist"], ["unknown action 'fech'; the one known is: spikelearn data fetch mnist"]),
    ],
)
def test_a_bad_command_is_refused_on_one_line(refused, trained, arguments, parts):
    refused([trained if each == "RUN" else each for each in arguments], *parts)


def damaged(x, y, what):
    """Images of which something is wrong."""
    if what == "NaN":
        x[3, 4] = np.nan
    elif what == "too bright":
        x[3, 4] = 1.5
    elif what == "negative":
        x[3, 4] = -0.5
    elif what == "negative label":
        y[3] = -1
    elif what == "labels of another kind":
        y = y.astype(float)
    elif what == "labels missing":
        y = y[:-1]
    return {"x": x, "y": y}


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("NaN", "bad.npz: NaN at image 3, pixel 4; must be finite and within 0..1"),
        ("too bright", "bad.npz: 1.5 at image 3, pixel 4; must be finite and within 0..1 (if 0..255: give scale=255)"),
        ("negative", "bad.npz: -0.5 at image 3, pixel 4; must be finite and within 0..1"),
        ("negative label", "bad.npz: label -1 at image 3; must be within 0..2"),
        ("labels of another kind", "bad.npz: labels must be integers, got float64"),
        ("labels missing", "bad.npz: 12 images but labels of shape (11,)"),
    ],
)
def test_images_that_cannot_be_used_are_refused_for_training_and_testing(refused, trained, tmp_path, what, message):
    path = tmp_path / "bad.npz"
    np.savez(path, **damaged(*bars(12, 0), what))
    refused(order(path, tmp_path / "run"), message)
    assert not (tmp_path / "run").exists()
    refused(["evaluate", trained, "--data", path], message)


def test_a_folder_or_file_without_images_is_refused(refused, tmp_path):
    (tmp_path / "empty").mkdir()
    refused(
        order(tmp_path / "empty", tmp_path / "run"), f"the folder {tmp_path / 'empty'} lacks train-images-idx3-ubyte"
    )
    (tmp_path / "text.npz").write_text("text")
    refused(order(tmp_path / "text.npz", tmp_path / "run"), "text.npz is not a .npz file, or incomplete")
    (tmp_path / "text").write_text("text")
    refused(order(tmp_path / "text", tmp_path / "run"), "is not a .npz or .csv file")
    assert not (tmp_path / "run").exists()


def test_more_classes_than_the_run_knows_are_refused(refused, trained, tmp_path):
    np.savez(tmp_path / "many.npz", x=bars(20, 0)[0], y=np.arange(20) % 4)
    refused(["evaluate", trained, "--data", tmp_path / "many.npz"], "4 classes do not fit a network with 3 outputs")


def resume(path):
    return ["train", "one-hidden", "--out", path, "--resume", "--epochs", "4"]


def commands_that_read(path):
    return [resume(path), ["evaluate", path], ["info", path]]


def test_the_checkpoint_of_another_network_is_refused(refused, done, run, source, tmp_path):
    done(*order(source, tmp_path / "other", "--hidden", 6))
    shutil.copy(tmp_path / "other" / "checkpoint.h5", run)
    before = held(run)
    for command in commands_that_read(run)[:2]:
        refused(command, "belongs to another network: it has sizes (9, 6, 3), config.json (9, 5, 3)")
    assert held(run) == before


def test_a_run_of_version_0_1_is_read_but_not_gone_on_with(refused, done, run, tmp_path):
    held_arrays, attributes = storage.load_checkpoint(run / "checkpoint.h5")
    kept = {name: array for name, array in held_arrays.items() if not name.startswith("state/")}
    # What 0.1 wrote for the event engine and 9-5-3 neurons: padded to blocks of 64, no spikes in memory.
    nothing = np.zeros(0)
    old = {"v_soma": np.zeros(128, np.float32), "trace": np.zeros((2, 192)), "recent_time": nothing}
    old |= {"recent_source": nothing.astype(np.int32)}
    storage.save_checkpoint(
        run / "checkpoint.h5", kept | {f"state/{name}": array for name, array in old.items()}, attributes
    )
    before = held(run)
    refused(resume(run), "of spikelearn 0.1, which this version cannot continue", "spikelearn.train(..., weights=...)")
    assert held(run) == before
    assert done("evaluate", run)["images"] == 9
    assert done("info", run)["examples"] == 2 * N
    assert done("trace", run, "--out", tmp_path / "trace.h5")["image"] == 0
    config, weights = runs.load_run(run)  # the way on that the message names
    following = training.train(config.model, datasets.load(config.data).train, seed=1, weights=weights)
    assert len(next(following).label) == N


def test_a_truncated_checkpoint_is_refused(refused, run):
    content = (run / "checkpoint.h5").read_bytes()
    for length in (0, 100, len(content) // 2, len(content) - 1):
        (run / "checkpoint.h5").write_bytes(content[:length])
        for command in commands_that_read(run):
            refused(command, "checkpoint.h5", "start the run anew")
        assert (run / "checkpoint.h5").read_bytes() == content[:length]


def test_a_checkpoint_of_a_newer_version_is_refused(refused, run):
    with h5py.File(run / "checkpoint.h5", "r+") as file:
        file.attrs["format"] = storage.CHECKPOINT_FORMAT + 1
    for command in commands_that_read(run):
        refused(command, f"was written by format {storage.CHECKPOINT_FORMAT + 1}", "upgrade spikelearn")


def test_a_missing_checkpoint_is_refused(refused, run):
    (run / "checkpoint.h5").unlink()
    for command in commands_that_read(run):
        refused(command, "no checkpoint at")


def test_a_damaged_configuration_is_refused(refused, run):
    text = (run / "config.json").read_text()
    (run / "config.json").write_text(text[:-20])
    for command in commands_that_read(run):
        refused(command, "config.json cannot be read as JSON")
    (run / "config.json").write_text(text.replace('"g_basal": 0.6', '"g_basal": -0.6'))
    for command in commands_that_read(run):
        refused(command, "HiddenNeuron.g_basal=-0.6 must be a finite number > 0 1/ms")


def test_a_file_is_no_run_folder(refused, source, tmp_path):
    (tmp_path / "file").write_text("precious")
    refused(order(source, tmp_path / "file"), "file is a file; choose another name for the run folder")
    refused(order(source, tmp_path / "file", "--overwrite"), "file is a file; choose another name")
    refused(order(source, tmp_path / "file" / "run"), "cannot write the run folder")
    for command in commands_that_read(tmp_path / "file"):
        refused(command, "is not a run folder")
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_refused(refused, source, tmp_path):
    tmp_path.chmod(0o500)
    refused(order(source, tmp_path / "run"), "cannot write the run folder", "choose another place")


def test_a_full_disk_is_reported_on_one_line_and_the_last_checkpoint_stays(cli, run, monkeypatch):
    before = (run / "checkpoint.h5").read_bytes()

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(runs, "save_checkpoint", full)
    status, out, err = cli(*resume(run))
    remedy = "Free some space and start again; train goes on with --resume"
    assert (status, err) == (1, f"spikelearn: failed: [Errno 28] No space left on device. {remedy}\n")
    assert (run / "checkpoint.h5").read_bytes() == before


def test_training_that_diverges_says_where_and_keeps_the_last_good_checkpoint(cli, done, source, tmp_path):
    # In the event engine the neurons of this network saturate first, and nothing changes any more.
    diverging = ["--engine", "clock", "--set", "learning_rates=1e38,1e38", "--set", "chunk_size=1", "--epochs", 50]
    status, _, err = cli(*order(source, tmp_path / "run", *diverging))
    assert status == 1
    what = "(the mean somatic potential|the error by Plateau|a weight|a bias)"
    problem = rf"{what} of layer \d is not finite (at|before) example \d+"
    assert re.fullmatch(rf"spikelearn: training failed: {problem}; .*too large\. The last checkpoint is kept\.\n", err)
    _, weights = runs.load_run(tmp_path / "run")
    assert all(np.isfinite(w).all() for w in weights.W)
    assert done("evaluate", tmp_path / "run")["images"] == 9


# -- as a program -----------------------------------------------------------------------------------------------------


def program(*arguments, **options):
    command = [sys.executable, "-m", "spikelearn", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=options.pop("cwd", ROOT), **options)


def test_the_program_prints_exactly_one_json_object(source, tmp_path):
    ended = program(*order(source, tmp_path / "run", "--json"))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout)["epoch"] == 2


def test_the_program_says_errors_on_stderr_and_returns_2(tmp_path):
    ended = program("train", "one-hidden", "--out", tmp_path / "run", "--epochs", "0")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "spikelearn: error: epochs=0 must be an integer >= 1\n"
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("command", [[], ["train"], ["evaluate"], ["info"], ["data"]])
def test_help_names_the_program_and_every_option_in_it(capsys, command):
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: {' '.join(['spikelearn', *command])}")


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"spikelearn {storage.version()}\n"


def wait_for(path, child):
    while not path.exists():
        assert child.poll() is None, child.communicate()
        time.sleep(0.002)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C otherwise")
@pytest.mark.parametrize("delay", [0.0, 0.07])
def test_ctrl_c_stops_with_a_checkpoint_and_resuming_equals_never_having_stopped(done, tmp_path, delay):
    # 1437 images an epoch in chunks of 50: the signal arrives in the middle of compiled code nearly always.
    digits = ["train", "one-hidden", "--hidden", 100, "--epochs", 12, "--set", "chunk_size=50", "--out"]
    command = [sys.executable, "-m", "spikelearn", *map(str, digits), tmp_path / "run"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(tmp_path / "run" / "metrics.csv", child)
    time.sleep(delay)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate()
    assert child.returncode == 130, err
    stopped = storage.load_checkpoint(tmp_path / "run" / "checkpoint.h5")[1]["trials"]
    assert 1437 <= stopped < 12 * 1437
    assert f"stopped after {stopped} examples; go on with --resume --out {tmp_path / 'run'}" in err
    assert "Traceback" not in err
    epochs = stopped // 1437 + 2
    done("train", "one-hidden", "--resume", "--epochs", epochs, "--out", tmp_path / "run")
    done(*digits[:-1], "--epochs", epochs, "--out", tmp_path / "whole")
    assert_equal_weights(tmp_path / "run", tmp_path / "whole")


# -- the first time ---------------------------------------------------------------------------------------------------


def impatient(cache, *arguments):
    """Start the program where nothing was compiled yet and every compilation is told at once."""
    command = [sys.executable, "-c", IMPATIENT, *map(str, arguments)]
    environment = os.environ | {"XDG_CACHE_HOME": str(cache)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the cache is not moved by XDG_CACHE_HOME")
def test_the_first_command_says_that_it_compiles_and_the_second_does_not(source, tmp_path):
    arguments = order(source, tmp_path / "run", "--engine", "rates", "--overwrite")
    child = impatient(tmp_path / "cache", *arguments)
    _, err = child.communicate()
    assert child.returncode == 0, err
    line = "spikelearn: compiling {} for this kind of network, once per installation: usually a minute or less"
    for kernel in ("train_chunk", "test_chunk"):
        assert err.splitlines().count(line.format(kernel)) == 1
    assert all(re.fullmatch(line.format(r"\w+"), each) for each in err.splitlines())
    child = impatient(tmp_path / "cache", *arguments)
    assert (child.communicate()[1], child.returncode) == ("", 0)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the cache is not moved by XDG_CACHE_HOME")
def test_ctrl_c_ends_a_compilation_at_once(source, tmp_path):
    started = time.monotonic()
    child = impatient(tmp_path / "cache", *order(source, tmp_path / "run"))
    while "compiling test_chunk" not in child.stderr.readline():
        assert child.poll() is None
    pressed = time.monotonic()
    child.send_signal(signal.SIGINT)
    out, err = child.communicate()
    # Compiling the one takes as long as the other, however busy the machine; this had hardly begun.
    assert time.monotonic() - pressed < (pressed - started) / 10
    assert child.returncode == 130
    told = [line for line in err.splitlines() if "compiling" not in line]
    assert (out, told) == ("", ["spikelearn: stopped"])
    assert not (tmp_path / "run").exists()  # the same command starts it


def test_output_that_nobody_reads_any_more_is_no_failure(tmp_path):
    command = f"{sys.executable} -m spikelearn info | true; echo ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path)
    assert ended.stderr == "" and ended.stdout.strip() in ("0", "141")  # 0 where `true` took its time
    info = [sys.executable, "-m", "spikelearn", "info"]
    with subprocess.Popen(info, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as closed:
        closed.stdout.close()
        assert closed.stderr.read() == b""
    assert closed.returncode == 141


def test_a_shell_completes_commands_and_options(tmp_path):
    pytest.importorskip("argcomplete")
    for line, expected in (("spikelearn tr", ["trace", "train"]), ("spikelearn train --ep", ["--epochs"])):
        environment = os.environ | {
            "_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line)), "COMP_TYPE": "9",
            "_ARGCOMPLETE_IFS": "\n", "_ARGCOMPLETE_STDOUT_FILENAME": str(tmp_path / "said"),
        }  # fmt: skip
        subprocess.run([sys.executable, "-m", "spikelearn"], env=environment, check=True, capture_output=True)
        assert sorted(word.strip() for word in (tmp_path / "said").read_text().split("\n")) == expected
