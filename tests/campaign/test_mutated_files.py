"""Files, configurations and orders that somebody damaged, or got wrong: a value, or one line of `InputError`."""

import gzip
import json
import random
import resource
import shutil
import signal
import struct
import warnings
from contextlib import contextmanager

import numpy as np
import pytest
from plan import sizes, write_bars

import spikelearn as sl
from spikelearn import descriptions, runs, storage
from spikelearn.cli import main
from spikelearn.recording import Recording
from spikelearn.recording_file import RecordingFile

SECONDS = 20  # for one file of some kilobytes: else it hangs
COMPILING = 300  # more, for a kind of network that nobody had before
MEMORY = 2 << 30


@contextmanager
def within_limits(seconds=SECONDS):
    """Let what hangs, or takes more than 2 GB on top of what is there, be an error."""

    def hung(number, frame):
        raise AssertionError(f"nothing came within {seconds} s")

    usual = signal.signal(signal.SIGALRM, hung)
    signal.alarm(seconds)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.alarm(0)
        signal.signal(signal.SIGALRM, usual)


def one_line(work):
    """Return what `work` returns, or None if it refused, on one line."""
    try:
        with within_limits(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return work()
    except sl.InputError as error:
        text = str(error)
        assert text and "\n" not in text and len(text) < 2000, text
        return None


def mutated(content, draws):
    """Return bytes with some damage: flipped, cut, put in, taken out, doubled, zeroed."""
    content = bytearray(content)
    for _ in range(draws.choice([1, 1, 1, 2, 5])):
        at = draws.randrange(len(content) + 1) if draws.random() < 0.5 else draws.randrange(min(len(content), 64) + 1)
        n = draws.choice([1, 1, 4, 8, 100])
        match draws.randrange(6):
            case 0 if at < len(content):
                content[at] ^= 1 << draws.randrange(8)
            case 1:
                del content[at:]
            case 2:
                content[at:at] = draws.randbytes(n)
            case 3:
                del content[at : at + n]
            case 4:
                content[at:at] = content[at : at + n]
            case _:
                content[at : at + n] = bytes([draws.choice([0, 255])]) * len(content[at : at + n])
    return bytes(content)


def proper(images):
    """Images are what they promise to be, whatever they were made from."""
    for part in (images.train, images.test):
        x = part.intensities(slice(0, len(part)))
        assert x.dtype == np.float32 and np.isfinite(x).all() and x.min() >= 0 and x.max() <= 1
        assert part.y.dtype == np.int64 and part.y.min() >= 0 and part.y.max() < part.n_classes
        assert len(part.y) == len(x) > 0
    return True


@sizes(40, 3000)
def test_npz_files(tmp_path, n):
    draws, source = random.Random(1), write_bars(tmp_path / "bars.npz")
    good = (tmp_path / "bars.npz").read_bytes()
    taken = 0
    for _ in range(n):
        (tmp_path / "bars.npz").write_bytes(mutated(good, draws))
        taken += bool(one_line(lambda: proper(sl.load(source))))
    assert taken < n
    # What is inside, too.
    x, y = np.random.default_rng(0).random((20, 9)), np.arange(20) % 3
    for _ in range(n):
        arrays = {"x": x.copy(), "y": y.copy()}
        name = draws.choice(["x", "y"])
        change = draws.choice(
            [
                lambda a: a.astype(draws.choice(["u1", "i1", "f2", "f8", "c8", "S3", "U2", "?", "m8[s]"])),
                lambda a: a[: draws.randrange(len(a))],
                lambda a: a.reshape(-1, 2) if a.size % 2 == 0 else a[None],
                lambda a: a * draws.choice([-1, 0, 1e6, np.nan, np.inf]),
                lambda a: a + draws.choice([-1, 0.5, 100, 2**40]),
                lambda a: a[..., None],
            ]
        )
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                arrays[name] = change(arrays[name])
            except (TypeError, ValueError):
                continue
        np.savez(tmp_path / "odd.npz", **arrays)
        one_line(lambda: proper(sl.load(str(tmp_path / "odd.npz"))))


@sizes(40, 2500)
def test_idx_files(tmp_path, n):
    draws, folder, rng = random.Random(2), tmp_path / "idx", np.random.default_rng(0)
    folder.mkdir()
    good = {}
    for part, n_images in (("train", 20), ("t10k", 8)):
        pixels = rng.integers(0, 256, (n_images, 3, 3), dtype=np.uint8)
        good[f"{part}-images-idx3-ubyte"] = struct.pack(">4B3I", 0, 0, 8, 3, *pixels.shape) + pixels.tobytes()
        labels = (np.arange(n_images) % 3).astype(np.uint8)
        good[f"{part}-labels-idx1-ubyte"] = struct.pack(">4BI", 0, 0, 8, 1, n_images) + labels.tobytes()
    for name, content in good.items():
        (folder / name).write_bytes(content)
    assert proper(sl.load(str(folder)))
    for _ in range(n):
        name = draws.choice(sorted(good))
        packed = draws.random() < 0.3
        content = gzip.compress(good[name]) if packed else good[name]
        path = folder / (f"{name}.gz" if packed else name)
        (folder / name).unlink()
        path.write_bytes(mutated(content, draws))
        one_line(lambda: proper(sl.load(str(folder))))
        path.unlink()
        (folder / name).write_bytes(good[name])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A trained run, to be copied."""
    folder = tmp_path_factory.mktemp("run")
    source = write_bars(folder / "bars.npz")
    small = ["--hidden", "5", "--epochs", "1", "--engine", "clock", "--json"]
    assert main(["train", "one-hidden", "--data", source, *small, "--out", str(folder / "run")]) == 0
    return folder / "run"


@sizes(40, 2500)
def test_checkpoints_and_recordings(tmp_path, run, n):
    draws = random.Random(3)
    network = sl.Network(sizes=(4, 3, 2))
    one = sl.simulate(network, network.draw_weights(1), np.ones(4), label=1, engine=sl.Clock())
    one.save(tmp_path / "one.h5")
    many = RecordingFile.create(tmp_path / "many.h5")
    many.append(0, one)
    checkpoint = (run / "checkpoint.h5").read_bytes()
    whole = storage.load_checkpoint(run / "checkpoint.h5")
    for name in ("checkpoint.h5", "one.h5", "many.h5"):
        good = checkpoint if name == "checkpoint.h5" else (tmp_path / name).read_bytes()
        for _ in range(n // 3):
            path = tmp_path / f"odd-{name}"
            path.write_bytes(mutated(good, draws))
            if name == "checkpoint.h5":
                found = one_line(lambda path=path: storage.load_checkpoint(path))
                if found is not None:  # what the digest lets through is what was written
                    assert found[1] == whole[1]
                    for key, array in whole[0].items():
                        np.testing.assert_array_equal(found[0][key], array)
            elif name == "one.h5":
                one_line(lambda path=path: Recording.load(path))
            else:
                one_line(lambda path=path: list(RecordingFile(path)))


@sizes(60, 2500)
def test_configurations(tmp_path, run, n):
    """A config.json that was edited: as a description it is what the specification allows, or it is refused."""
    draws = random.Random(4)
    good = json.loads((run / "config.json").read_text())
    values = [0, 1, -1, 2, 0.5, -0.5, 1e300, 1e-300, float("inf"), float("nan"), None, True, "", "x", [], [1, 2], {}]
    values += [10**30, "Plateau", {"kind": "Clock"}, {"kind": "nothing"}, [3, "a"], 5.0, "none", "1.5"]

    def places(tree, way=()):
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield (*way, key)
            if isinstance(value, dict | list):
                yield from places(value, (*way, key))

    accepted = 0
    for _ in range(n):
        config = json.loads(json.dumps(good))
        for _ in range(draws.choice([1, 1, 2, 4])):
            *way, key = draws.choice(list(places(config)))
            inside = config
            for step in way:
                inside = inside[step]
            match draws.randrange(3):
                case 0:
                    inside[key] = draws.choice(values)
                case 1:
                    del inside[key]
                case 2 if isinstance(inside, dict):
                    inside[draws.choice(["kind", "g_apical", "extra", "rule"])] = draws.choice(values)
        text = json.dumps(config)
        if draws.random() < 0.3:
            text = mutated(text.encode(), draws).decode(errors="replace")
        folder = tmp_path / "run"
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(text)
        opened = storage.RunFolder.open(folder)
        found = one_line(lambda opened=opened: descriptions.from_dict(runs.Config, opened.config()))
        if found is not None:
            accepted += 1
            check_config(found)
            again = descriptions.from_dict(runs.Config, json.loads(json.dumps(descriptions.to_dict(found))))
            assert descriptions.to_dict(again) == descriptions.to_dict(found)
    assert accepted < n


def check_config(config):
    """What the docstrings say of each number."""
    network, phases = config.model.network, config.model.network.phases
    assert len(network.sizes) >= 2 and all(type(size) is int and 1 <= size <= 1 << 20 for size in network.sizes)
    assert len(config.model.learning_rates) == network.n_layers
    numbers = [*config.model.learning_rates, network.rate_max, *vars(network.synapse).values()]
    neurons = *network.hidden_neurons, network.output
    assert network.output.loss in ("squares", "likelihood")
    parts = [value for neuron in neurons for name, value in vars(neuron).items() if name != "loss"]
    numbers += [part for part in parts if not hasattr(part, "constants")]
    assert phases.order and set(phases.order) <= {"forward", "target", "learn"} and phases.order[0] != "learn"
    numbers += [number for name, number in vars(phases).items() if name != "order"]
    for number in numbers:
        assert number is None or np.isfinite(number)
    assert min(config.model.learning_rates) >= 0 and network.rate_max > 0
    assert 0 < network.synapse.tau_rise < network.synapse.tau_decay
    for neuron in network.hidden_neurons:
        assert min(neuron.g_leak, neuron.g_basal) > 0 <= neuron.g_apical
    assert config.epochs >= 1 <= config.chunk_size and config.seed >= 0


@sizes(60, 2500)
def test_orders(tmp_path, run, n, capsys):
    """Options and overrides, put together at random: a run, or one line and nothing written."""
    draws = random.Random(5)
    source = write_bars(tmp_path / "bars.npz")
    keys = ["g_apical", "rate_max", "tau_rise", "epochs", "sizes"]
    keys += ["rule", "feedback", "engine", "seed", "window", "no.no"]
    keys += ["learning_rates", "cutoff", "chunk_size", "model", "engine.dt", "plateaus", "network.hidden.g_leak", ""]
    texts = ["0", "1", "-1", "0.05", "1e9", "nan", "inf"]
    texts += ["", "none", "true", "9,5,3", "0.1,0.2", "clock", "sparse", "x"]
    texts += ["(1,2", "JitteredPlateaus", "1e-9", "10", "1000000000000", "\u00fc", "=", "a=b"]
    out = tmp_path / "out"
    for _ in range(n):
        order = ["train", draws.choice(["one-hidden", "no-hidden", "two-hidden", "x"]), "--data", source]
        order += ["--examples", "4", "--epochs", "1", "--out", str(out)]
        for _ in range(draws.randrange(4)):
            match draws.randrange(4):
                case 0 | 1:
                    order += ["--set", f"{draws.choice(keys)}={draws.choice(texts)}"]
                case 2:
                    order += [draws.choice(["--hidden", "--reading", "--variant", "--engine", "--seed", "--scale"])]
                    order += [draws.choice(texts)]
                case 3:
                    order += [draws.choice(["--overwrite", "--json", "--resume", "--no", "-x"])]
        if any(text in ("1e9", "1000000000000") for each in order for text in each.split("=")):
            continue  # a number of examples, or a rate, that takes for ever, or more room than there is: allowed
        with within_limits(COMPILING), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                status = main(order)
            except SystemExit as end:  # --help
                status = end.code
        said = capsys.readouterr()
        assert status in (0, 1, 2), order
        if status:
            assert said.err.count("\n") == 1 + said.err.count("note:") and "Traceback" not in said.err, (
                order,
                said.err,
            )
        if status == 2:
            assert not (out / "config.json").exists(), order
        shutil.rmtree(out, ignore_errors=True)
