import json
import os
import platform
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from spikelearn import storage
from spikelearn.descriptions import from_dict, override, to_dict
from spikelearn.errors import InputError, check_range
from spikelearn.storage import RunFolder, load_checkpoint, save_checkpoint

# A small tree of descriptions with every kind of field


@dataclass(frozen=True, kw_only=True)
class Cell:
    g_apical: float = 0.05
    window: float | None = None

    def __post_init__(self):
        check_range("Cell.g_apical", self.g_apical, at_least=0)


@dataclass(frozen=True, kw_only=True)
class Broadcast:
    gain: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Product:
    gain: float = 1.0
    depth: int = 2


@dataclass(frozen=True, kw_only=True)
class Probe:
    every: int = 1


@dataclass(frozen=True, kw_only=True)
class Net:
    sizes: tuple[int, ...]
    hidden: Cell = field(default_factory=Cell)
    output: Cell = field(default_factory=Cell)
    feedback: Broadcast | Product = field(default_factory=Broadcast)
    probe: Probe | None = None
    carry: bool = True


@dataclass(frozen=True, kw_only=True)
class Config:
    net: Net
    rates: tuple[float, ...] = (0.1,)
    paths: tuple[Broadcast | Product, ...] = ()
    name: str = "run"
    label: str | None = None
    seed: int = 0


CONFIG = Config(net=Net(sizes=(784, 500, 10)))

finite = st.floats(allow_nan=False, allow_infinity=False)
cells = st.builds(Cell, g_apical=st.floats(0, 1e300), window=st.none() | finite)
feedbacks = st.builds(Broadcast, gain=finite) | st.builds(Product, gain=finite, depth=st.integers())
nets = st.builds(
    Net,
    sizes=st.lists(st.integers()).map(tuple),
    hidden=cells,
    output=cells,
    feedback=feedbacks,
    probe=st.none() | st.builds(Probe, every=st.integers()),
    carry=st.booleans(),
)
configs = st.builds(
    Config,
    net=nets,
    rates=st.lists(finite).map(tuple),
    paths=st.lists(feedbacks, max_size=3).map(tuple),
    name=st.text(),
    label=st.none() | st.text(),
    seed=st.integers(),
)


@given(configs)
@settings(deadline=None)
def test_a_description_survives_the_way_through_json(config):
    assert from_dict(Config, json.loads(json.dumps(to_dict(config)))) == config


@given(configs)
@settings(deadline=None, max_examples=50)
def test_overriding_every_field_with_its_own_value_changes_nothing(config):
    config = replace(config, name="plain", label=None, paths=())
    written = {
        "net.sizes": ",".join(map(str, config.net.sizes)),
        "net.hidden.g_apical": config.net.hidden.g_apical,
        "net.output.window": config.net.output.window,
        "net.feedback.gain": config.net.feedback.gain,
        "net.carry": config.net.carry,
        "rates": ",".join(map(str, config.rates)),
        "name": config.name,
        "label": config.label,
        "seed": config.seed,
    }
    assert override(config, [f"{key}={value}" for key, value in written.items()]) == config


def test_kind_is_written_only_where_there_is_a_choice_of_classes():
    written = to_dict(Config(net=Net(sizes=(2, 1), probe=Probe()), paths=(Product(),)))
    assert written["net"]["feedback"] == {"kind": "Broadcast", "gain": 1.0}
    assert written["paths"] == [{"kind": "Product", "gain": 1.0, "depth": 2}]
    assert written["net"]["probe"] == {"every": 1}
    assert written["net"]["hidden"] == {"g_apical": 0.05, "window": None}


def test_missing_keys_take_their_defaults():
    assert from_dict(Config, {"net": {"sizes": [784, 500, 10]}}) == CONFIG


def test_numpy_numbers_are_written_as_plain_ones():
    assert json.dumps(to_dict(Probe(every=np.int64(3)))) == '{"every": 3}'


def test_an_integer_becomes_a_float_where_one_is_expected():
    gain = from_dict(Broadcast, {"gain": 2}).gain
    assert (gain, type(gain)) == (2.0, float)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nett": 1}, "config.nett: unknown key; did you mean 'net'? Known: net, rates"),
        ({"net": {"sizes": [2], "hiden": {}}}, "config.net.hiden: unknown key; did you mean 'hidden'? Known: sizes,"),
        ({"net": {}}, "config.net.sizes: missing key; expected tuple[int, ...]"),
        ({"net": 3}, "config.net=3: expected Net, got int"),
        ({"seed": True}, "config.seed=True: expected int, got bool"),
        ({"seed": 1.0}, "config.seed=1.0: expected int, got float"),
        ({"name": None}, "config.name=None: expected str, got NoneType"),
        ({"rates": 0.1}, "config.rates=0.1: expected tuple[float, ...], got float"),
        ({"rates": "ab"}, "config.rates='ab': expected tuple[float, ...], got str"),
        ({"rates": [0.1, "x"]}, "config.rates[1]='x': expected float, got str"),
        ({"rates": [True]}, "config.rates[0]=True: expected float, got bool"),
        ({"rates": [10**400]}, "expected float, got int"),
        ({"net": {"sizes": [2], "carry": 1}}, "config.net.carry=1: expected bool, got int"),
        ({"net": {"sizes": [2], "hidden": {"window": "x"}}}, "config.net.hidden.window='x': expected float | None"),
        ({"net": {"sizes": [2], "hidden": {"g_apical": -1}}}, "config.net.hidden: Cell.g_apical=-1.0 must be"),
        ({"net": {"sizes": [2], "feedback": {"gain": 1}}}, "config.net.feedback: missing key 'kind'"),
        ({"net": {"sizes": [2], "feedback": {"kind": "Prodct"}}}, "unknown kind 'Prodct'; did you mean 'Product'?"),
        ({"net": {"sizes": [2], "feedback": {"kind": []}}}, "config.net.feedback: unknown kind '[]'"),
        ({"net": {"sizes": [2], "feedback": {"kind": "Broadcast", "depth": 1}}}, "config.net.feedback.depth: unknown"),
    ],
)
def test_a_bad_mapping_is_refused_with_its_location(changes, message):
    with pytest.raises(InputError, match=re.escape(message)):
        from_dict(Config, to_dict(CONFIG) | changes)


@pytest.mark.parametrize("mapping", [None, [1], "text"])
def test_what_is_no_mapping_is_refused(mapping):
    with pytest.raises(InputError, match="expected a mapping with the keys of Config"):
        from_dict(Config, mapping)


@pytest.mark.parametrize(
    ("assignment", "read", "expected"),
    [
        ("net.hidden.g_apical=0.2", lambda c: c.net.hidden.g_apical, 0.2),
        ("hidden.g_apical = 3", lambda c: c.net.hidden.g_apical, 3.0),
        ("gain=2e-1", lambda c: c.net.feedback.gain, 0.2),
        ("net.output.window=5", lambda c: c.net.output.window, 5.0),
        ("net.output.window=None", lambda c: c.net.output.window, None),
        ("rates=0.1,0.2", lambda c: c.rates, (0.1, 0.2)),
        ("rates=1", lambda c: c.rates, (1.0,)),
        ("rates=", lambda c: c.rates, ()),
        ("sizes=[784, 100, 10]", lambda c: c.net.sizes, (784, 100, 10)),
        ("carry=FALSE", lambda c: c.net.carry, False),
        ("seed=-7", lambda c: c.seed, -7),
        ("name=12", lambda c: c.name, "12"),
        ("name=none", lambda c: c.name, "none"),
        ("name=a=b", lambda c: c.name, "a=b"),
        ("label=none", lambda c: c.label, None),
        ("label=true", lambda c: c.label, "true"),
        ("feedback=Product", lambda c: c.net.feedback, Product()),
        ("probe=Probe", lambda c: c.net.probe, Probe()),
    ],
)
def test_an_assignment_changes_one_field(assignment, read, expected):
    changed = read(override(CONFIG, [assignment]))
    assert (changed, type(changed)) == (expected, type(expected))


def test_a_chosen_class_brings_its_own_fields():
    config = override(CONFIG, ["net.feedback=Product", "net.feedback.depth=5", "probe=Probe", "every=9"])
    assert (config.net.feedback, config.net.probe) == (Product(depth=5), Probe(every=9))


def test_overriding_leaves_the_original_alone():
    override(CONFIG, ["seed=5", "gain=3"])
    assert Config(net=Net(sizes=(784, 500, 10))) == CONFIG


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("seed 3", "'seed 3' has no '='; write key=value; did you mean 'seed'?"),
        ("sead=3", "sead: unknown key; did you mean 'seed'?"),
        ("g_apicl=3", "g_apicl: unknown key; did you mean 'g_apical'?"),
        ("net.hiden.g_apical=3", "unknown key; did you mean 'net.hidden.g_apical'?"),
        ("g_apical=3", "g_apical could be any of net.hidden.g_apical, net.output.g_apical; write the full name"),
        ("net.hidden=3", "net.hidden: unknown key"),
        ("=3", "unknown key"),
        ("seed=1.5", "config.seed=1.5: expected int"),
        ("seed=none", "config.seed='none': expected int"),
        ("carry=1", "config.net.carry=1: expected bool"),
        ("rates=0.1,,0.2", "config.rates[1]='': expected float"),
        ("net.hidden.window=long", "config.net.hidden.window='long': expected float | None"),
        ("seed", "'seed' has no '='; write seed=VALUE"),
        ("feedback=Prodct", "net.feedback='Prodct' is no choice here; did you mean 'Product'?"),
        ("net.hidden.g_apical=-1", "Cell.g_apical=-1.0 must be a finite number >= 0"),
        ("net.hidden.g_apical=nan", "Cell.g_apical=nan must be a finite number"),
        ("every=3", "every: unknown key"),
    ],
)
def test_a_bad_assignment_is_refused_with_a_remedy(assignment, message):
    with pytest.raises(InputError, match=re.escape(message)):
        override(CONFIG, [assignment])


# Run folders


def test_a_run_folder_gives_back_its_configuration_in_the_order_given(tmp_path):
    RunFolder.create(tmp_path / "deep" / "run", {"b": 1, "a": [1.5, None]})
    folder = RunFolder.open(str(tmp_path / "deep" / "run"))
    assert list(folder.config().items()) == [("b", 1), ("a", [1.5, None])]
    assert sorted(os.listdir(folder.path)) == ["config.json", "environment.json"]
    assert (folder.path / "config.json").read_text().startswith('{\n  "b": 1,\n')


def test_a_configuration_can_be_replaced(tmp_path):
    folder = RunFolder.create(tmp_path, {"epochs": 1})
    folder.write_config({"epochs": 2})
    assert folder.config() == {"epochs": 2}


def test_the_environment_says_when_where_and_with_what(tmp_path):
    environment = RunFolder.create(tmp_path, {}).environment()
    assert environment["versions"]["numpy"] == np.__version__
    assert environment["versions"]["spikelearn"] == storage.version()
    assert environment["python"] == platform.python_version()
    assert environment["argv"] == sys.argv
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", environment["date"])
    assert set(environment) == {"date", "argv", "python", "platform", "cpu", "cpu_count", "versions", "commit"}


def test_a_commit_is_reported_only_for_a_checkout(tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / ".git").write_text("gitdir: nowhere")
    assert storage._commit(tmp_path) is None
    assert storage._commit(tmp_path / "broken") is None
    root = Path(storage.__file__).parents[1]
    assert storage._commit(root / "spikelearn") is None
    assert (storage._commit(root) is None) or re.fullmatch("[0-9a-f]{40,64}", storage._commit(root))


def test_a_package_that_is_not_installed_has_an_unknown_version():
    assert storage.version("no-such-package-at-all") == "0+unknown"


@pytest.mark.parametrize(
    ("names", "advice"),
    [
        (["config.json", "checkpoint.h5"], "already holds a run .*--resume to go on or --overwrite to replace it"),
        # A run that was killed at once: there is nothing to resume.
        (["config.json"], "no run to go on with; choose another folder, or --overwrite"),
        (["checkpoint.h5"], "no run to go on with; choose another folder, or --overwrite"),
        (["metrics.csv"], "no run to go on with; choose another folder, or --overwrite"),
    ],
)
def test_a_folder_that_holds_a_run_is_refused_and_left_alone(tmp_path, names, advice):
    for name in names:
        (tmp_path / name).write_text("precious")
    with pytest.raises(InputError, match=advice):
        RunFolder.create(tmp_path, {})
    assert sorted(os.listdir(tmp_path)) == sorted(names)
    assert all((tmp_path / name).read_text() == "precious" for name in names)


def test_overwriting_removes_what_a_run_wrote_and_nothing_else(tmp_path):
    for name in (*storage.RUN_FILES, "notes.txt"):
        (tmp_path / name).write_text("old")
    (tmp_path / "figures").mkdir()
    folder = RunFolder.create(tmp_path, {"new": 1}, overwrite=True)
    assert folder.config() == {"new": 1}
    assert sorted(os.listdir(tmp_path)) == ["config.json", "environment.json", "figures", "notes.txt"]
    assert (tmp_path / "notes.txt").read_text() == "old"


def test_a_folder_with_other_files_may_become_a_run_folder(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    assert RunFolder.create(tmp_path, {"a": 1}).config() == {"a": 1}


def test_a_run_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("text")
    with pytest.raises(InputError, match="is a file; choose another name"):
        RunFolder.create(tmp_path / "file", {})
    with pytest.raises(InputError, match="cannot write the run folder .*; choose another place"):
        RunFolder.create(tmp_path / "file" / "run", {}, overwrite=True)
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="cannot write the run folder"):
        RunFolder.create(tmp_path / "run", {})


@pytest.mark.parametrize("name", ["", "missing"])
def test_opening_something_else_is_refused(tmp_path, name):
    with pytest.raises(InputError, match=r"is not a run folder: no config\.json;"):
        RunFolder.open(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "problem"), [(b'{\n  "a": 1,\n  "b": oops\n}', "line 3"), (b"", "line 1"), (b'"\xff"', "can't decode")]
)
def test_a_configuration_that_is_not_json_is_refused_with_its_line(tmp_path, content, problem):
    folder = RunFolder.create(tmp_path, {})
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(InputError, match=rf"config\.json cannot be read as JSON: .*{problem}"):
        folder.config()


def test_a_missing_environment_is_refused(tmp_path):
    folder = RunFolder.create(tmp_path, {})
    (tmp_path / "environment.json").unlink()
    with pytest.raises(InputError, match=r"environment\.json"):
        folder.environment()


# Metrics

ROWS = [
    {"epoch": 0, "test_error": 0.1 + 0.2, "loss, hidden": 1e-300},
    {"epoch": 1, "test_error": 4.0, "loss, hidden": -2},
]


@pytest.fixture
def measured(tmp_path):
    folder = RunFolder.create(tmp_path / "run", {})
    for row in ROWS:
        folder.append_metrics(row)
    return folder


def test_metrics_are_read_back_exactly(measured):
    assert measured.metrics() == ROWS
    assert [type(value) for value in measured.metrics()[0].values()] == [int, float, float]


def test_a_new_run_has_no_metrics(tmp_path):
    folder = RunFolder.create(tmp_path, {})
    assert folder.metrics() == []
    folder.truncate_metrics(3)
    assert folder.metrics() == []


def test_infinite_and_missing_metrics_are_kept(tmp_path):
    folder = RunFolder.create(tmp_path, {})
    folder.append_metrics({"a": np.float64("inf"), "b": float("nan"), "c": None})
    (row,) = folder.metrics()
    assert row["a"] == np.inf
    assert np.isnan(row["b"])
    assert np.isnan(row["c"])


@pytest.mark.parametrize("cut", [1, 2, 5, 9])
def test_a_half_written_line_is_not_read_and_is_dropped_on_resuming(measured, cut):
    content = measured.metrics_path.read_bytes()
    measured.metrics_path.write_bytes(content[:-cut])
    assert measured.metrics() == ROWS[:1]
    measured.truncate_metrics(1)
    measured.append_metrics(ROWS[1])
    assert measured.metrics_path.read_bytes() == content


@pytest.mark.parametrize("n_rows", [0, 1, 2, 5])
def test_truncating_keeps_the_first_rows(measured, n_rows):
    measured.truncate_metrics(n_rows)
    assert measured.metrics() == ROWS[:n_rows]
    measured.append_metrics(ROWS[0])
    assert measured.metrics() == [*ROWS[:n_rows], ROWS[0]]


def test_a_half_written_header_is_dropped_on_resuming(measured):
    measured.metrics_path.write_text("epo")
    assert measured.metrics() == []
    measured.truncate_metrics(0)
    measured.append_metrics(ROWS[0])
    assert measured.metrics() == ROWS[:1]


def test_a_row_with_other_columns_is_refused(measured):
    with pytest.raises(InputError, match="has the columns .*the new row has"):
        measured.append_metrics({"epoch": 2})
    assert measured.metrics() == ROWS


@pytest.mark.parametrize("line", ["2,high,3\n", "2,3\n", "1,2,3,4\n"])
def test_damaged_metrics_are_refused(measured, line):
    with open(measured.metrics_path, "a") as file:
        file.write(line)
    with pytest.raises(InputError, match=r"metrics\.csv is damaged"):
        measured.metrics()


# Checkpoints

names = st.sampled_from(["a", "b/c", "b/d/e", "weights/W/0", "Ärger"])
dtypes = st.sampled_from(["f4", "f8", ">f8", "i4", "i8", "u1", "?", "c16"])
arrays_of_any_shape = npst.arrays(dtypes, npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
attribute_names = st.sampled_from(["epoch", "seed", "loss", "note"])
attribute_values = st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(st.characters(exclude_characters="\0"))


@given(st.dictionaries(names, arrays_of_any_shape), st.dictionaries(attribute_names, attribute_values))
@settings(deadline=None, max_examples=60)
def test_a_checkpoint_is_read_back_bit_for_bit(tmp_path_factory, arrays, attributes):
    path = tmp_path_factory.getbasetemp() / "any.h5"
    save_checkpoint(path, arrays, attributes)
    loaded, read = load_checkpoint(path)
    assert loaded.keys() == arrays.keys()
    for name, array in arrays.items():
        assert (loaded[name].dtype, loaded[name].shape) == (array.dtype, array.shape)
        assert loaded[name].tobytes() == array.tobytes()
    assert repr(sorted(read.items())) == repr(
        sorted((attributes | {"format": 1, "spikelearn": storage.version()}).items())
    )


def test_nan_payloads_views_and_numpy_attributes_survive(tmp_path):
    payload = np.array([0x7FF8000000000123, 0x7FF0000000000001], dtype=np.uint64).view(np.float64)
    transposed = np.arange(6.0).reshape(2, 3).T
    save_checkpoint(tmp_path / "c.h5", {"nan": payload, "view": transposed}, {"n": np.int32(3), "x": np.float32(0.1)})
    arrays, attributes = load_checkpoint(tmp_path / "c.h5")
    assert arrays["nan"].tobytes() == payload.tobytes()
    np.testing.assert_array_equal(arrays["view"], transposed)
    assert (attributes["n"], attributes["x"]) == (3, float(np.float32(0.1)))


def test_long_empty_and_foreign_text_survives(tmp_path):
    texts = {"long": "x" * 200_000, "empty": "", "foreign": "é\u2028µ"}
    save_checkpoint(tmp_path / "c.h5", {}, texts)
    assert load_checkpoint(tmp_path / "c.h5")[1].items() >= texts.items()


def test_what_was_loaded_can_be_saved_again(tmp_path):
    save_checkpoint(tmp_path / "a.h5", {"x": np.arange(3)}, {"epoch": 1})
    save_checkpoint(tmp_path / "b.h5", *load_checkpoint(tmp_path / "a.h5"))
    assert load_checkpoint(tmp_path / "b.h5")[1] == load_checkpoint(tmp_path / "a.h5")[1]


def test_saving_removes_what_killed_processes_left_and_nothing_else(tmp_path):
    others = [".other.h5.123.tmp", "checkpoint.h5.bak"]
    for name in (".checkpoint.h5.0123456789ab.tmp", ".other.h5.ba9876543210.tmp", *others):
        (tmp_path / name).write_text("left")
        os.utime(tmp_path / name, (0, 0))
    save_checkpoint(tmp_path / "checkpoint.h5", {"x": np.zeros(2)}, {})
    assert set(os.listdir(tmp_path)) == {"checkpoint.h5", *others}


@pytest.mark.parametrize(
    ("arrays", "attributes"),
    [({"x": np.array([object()])}, {}), ({"/x": np.ones(1)}, {}), ({"x": np.ones(1)}, {"sizes": (1, 2)})],
)
def test_what_cannot_be_read_back_does_not_replace_a_good_checkpoint(tmp_path, arrays, attributes):
    path = tmp_path / "checkpoint.h5"
    save_checkpoint(path, {"x": np.arange(3)}, {"epoch": 1})
    with pytest.raises((TypeError, ValueError)):
        save_checkpoint(path, arrays, attributes)
    assert load_checkpoint(path)[1]["epoch"] == 1
    assert os.listdir(tmp_path) == ["checkpoint.h5"]


def test_an_interrupted_save_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    def interrupt(source, target):
        raise KeyboardInterrupt

    save_checkpoint(tmp_path / "checkpoint.h5", {}, {"epoch": 1})
    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(tmp_path / "checkpoint.h5", {}, {"epoch": 2})
    assert load_checkpoint(tmp_path / "checkpoint.h5")[1]["epoch"] == 1
    assert os.listdir(tmp_path) == ["checkpoint.h5"]


def test_the_digest_covers_names_dtypes_shapes_and_bytes():
    zeros = np.zeros((2, 3))
    different = [{"x": zeros}, {"y": zeros}, {"x": zeros.T}, {"x": zeros.astype(">f8")}, {"x": zeros + 1}, {}]
    assert len({storage._digest(arrays, {}) for arrays in different}) == len(different)


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "checkpoint.h5"
    rng = np.random.default_rng(1)
    save_checkpoint(path, {"W/0": rng.random((5, 7)), "n": np.arange(3)}, {"epoch": 1, "note": "text"})
    return path


@pytest.mark.skipif(storage.fcntl is None, reason="this system has no such locks")
def test_a_lock_that_a_child_process_inherited_keeps_no_checkpoint_from_being_read(tmp_path):
    save_checkpoint(tmp_path / "c.h5", {"a": np.arange(3)}, {})
    with open(tmp_path / "c.h5", "rb") as file:
        storage.fcntl.flock(file, storage.fcntl.LOCK_EX)
        arrays, _ = load_checkpoint(tmp_path / "c.h5")
    np.testing.assert_array_equal(arrays["a"], np.arange(3))


def test_a_missing_checkpoint_is_refused_with_a_remedy(tmp_path):
    with pytest.raises(InputError, match="no checkpoint at .*start it anew"):
        load_checkpoint(tmp_path / "checkpoint.h5")


@pytest.mark.parametrize("content", [b"", b"not HDF5 at all", b"\x89HDF\r\n\x1a\n"])
def test_a_file_that_is_not_hdf5_is_refused(tmp_path, content):
    (tmp_path / "c.h5").write_bytes(content)
    with pytest.raises(InputError, match="truncated, damaged or no HDF5 file"):
        load_checkpoint(tmp_path / "c.h5")


def test_a_truncated_checkpoint_is_refused_wherever_it_was_cut(checkpoint):
    content = checkpoint.read_bytes()
    for length in range(0, len(content), 97):
        checkpoint.write_bytes(content[:length])
        with pytest.raises(InputError):
            load_checkpoint(checkpoint)


def test_a_flipped_bit_in_an_array_is_detected(checkpoint):
    content = bytearray(checkpoint.read_bytes())
    start = content.find(np.random.default_rng(1).random((5, 7)).tobytes())
    content[start + 100] ^= 1
    checkpoint.write_bytes(content)
    with pytest.raises(InputError, match="does not match its SHA-256 digest; restore it"):
        load_checkpoint(checkpoint)


def test_a_flipped_byte_anywhere_is_detected_or_harmless(checkpoint):
    content = checkpoint.read_bytes()
    expected = repr(load_checkpoint(checkpoint))
    for position in range(0, len(content), 13):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        checkpoint.write_bytes(damaged)
        try:
            loaded = load_checkpoint(checkpoint)
        except InputError:
            continue
        assert repr(loaded) == expected


@pytest.mark.parametrize(("name", "value"), [("epoch", 2), ("note", "other"), ("spikelearn", "9.9")])
def test_a_changed_attribute_is_detected(checkpoint, name, value):
    edit_attribute(checkpoint, name, value)
    with pytest.raises(InputError, match="does not match its SHA-256 digest"):
        load_checkpoint(checkpoint)


def test_a_newer_format_is_refused_by_its_name(checkpoint):
    edit_attribute(checkpoint, "spikelearn", "9.9")
    edit_attribute(checkpoint, "format", 2)
    expected = r"written by format 2 \(spikelearn 9\.9\); this version reads up to 1; upgrade spikelearn"
    with pytest.raises(InputError, match=expected):
        load_checkpoint(checkpoint)


def test_any_other_hdf5_file_is_refused(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = np.ones(3)
    with pytest.raises(InputError, match="is not a checkpoint of spikelearn"):
        load_checkpoint(tmp_path / "other.h5")


def edit_attribute(path, name, value):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "r+") as file:
        file.attrs[name] = value


SAVE_FOR_EVER = """
import itertools, sys
import numpy as np
from spikelearn.storage import save_checkpoint
for n in itertools.count():
    save_checkpoint(sys.argv[1], {"a": np.full(200_000, n), "b/c": np.full((3, 50_000), float(n))}, {"n": n})
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_the_checkpoint_loads_whenever_the_process_is_killed(tmp_path):
    path = tmp_path / "checkpoint.h5"
    rng = np.random.default_rng(0)
    cut_in_the_middle = 0
    for attempt in range(40):
        if attempt >= 4 and cut_in_the_middle:
            break
        path.unlink(missing_ok=True)
        for leftover in tmp_path.iterdir():
            leftover.unlink()
        child = subprocess.Popen([sys.executable, "-c", SAVE_FOR_EVER, str(path)])
        try:
            deadline = time.monotonic() + 30
            while not path.exists():
                assert child.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.002)
            time.sleep(rng.uniform(0, 0.05 * (1 + attempt)))  # a busy machine takes longer
        finally:
            child.kill()
            child.wait()
        cut_in_the_middle += any(tmp_path.glob(".checkpoint.h5.*.tmp"))
        arrays, attributes = load_checkpoint(path)
        assert (arrays["a"] == attributes["n"]).all()
        assert (arrays["b/c"] == attributes["n"]).all()
    assert cut_in_the_middle > 0
    for leftover in tmp_path.iterdir():
        os.utime(leftover, (0, 0))  # so old that nobody is at it any more
    save_checkpoint(path, {}, {})
    assert os.listdir(tmp_path) == ["checkpoint.h5"]


def test_importing_storage_does_not_import_h5py():
    code = "import sys, spikelearn.storage; sys.exit('h5py' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
