"""A file changed page by page: wholly or not at all, and as if there were no pages."""

import os
import random
import resource
import subprocess
import sys
import threading
import time

import h5py
import numpy as np
import pytest
import test_recording
from test_recording import assert_equal

import spikelearn as sl
from spikelearn import journal
from spikelearn.journal import PAGE, changing, journal_of, reading
from spikelearn.recording import found
from spikelearn.recording_file import RecordingFile


def recording(number):
    """Make one up, the same for the same number."""
    test_recording.RNG = np.random.default_rng(number)
    return test_recording.recording()


@pytest.mark.parametrize("seed", range(20))
def test_pages_are_a_file_like_any_other(tmp_path, seed):
    """Against a real file, with the same random calls."""
    draws, path, plain = random.Random(seed), tmp_path / "paged", tmp_path / "plain"
    content = draws.randbytes(draws.choice([0, 1, PAGE - 1, PAGE, 3 * PAGE + 5]))
    path.write_bytes(content)
    plain.write_bytes(content)
    for _ in range(4):
        with changing(path) as pages, open(plain, "rb+") as file:
            for _ in range(30):
                at = draws.randrange(5 * PAGE)
                match draws.randrange(4):
                    case 0:
                        found, wanted = bytearray(draws.randrange(3 * PAGE)), file.seek(at)
                        pages.seek(at)
                        n = pages.readinto(found)
                        assert bytes(found[:n]) == file.read(len(found))
                    case 1:
                        data = draws.randbytes(draws.randrange(2 * PAGE))
                        for each in (pages, file):
                            each.seek(at)
                            assert each.write(data) == len(data)
                    case 2:
                        assert pages.truncate(at) == file.truncate(at)
                    case 3:
                        wanted = file.seek(-min(at, os.fstat(file.fileno()).st_size), os.SEEK_END)
                        assert pages.seek(wanted - pages.length, os.SEEK_END) == wanted == pages.tell()
                file.flush()
        assert path.read_bytes() == plain.read_bytes()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["paged", "plain"]


def test_a_block_that_fails_changes_nothing(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"before")
    with pytest.raises(KeyboardInterrupt), changing(path) as pages:
        pages.write(b"after it")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"before" and os.listdir(tmp_path) == ["file"]


@pytest.fixture
def file(tmp_path):
    made = RecordingFile.create(tmp_path / "r.h5")
    made.append(0, recording(1))
    return made


@pytest.mark.parametrize("n_written", range(0, 9))
def test_a_change_that_was_cut_while_it_was_applied_is_read_and_made_good(file, monkeypatch, n_written):
    """As if killed after so many pages."""
    apply = journal._apply

    def cut(pages, base, path):
        for number, page in sorted(pages.changed.items())[:n_written]:
            base.seek(number * PAGE)
            base.write(page)
        raise KeyboardInterrupt

    monkeypatch.setattr(journal, "_apply", cut)
    with pytest.raises(KeyboardInterrupt):
        file.append(1, recording(2))
    assert journal_of(file.path).exists()
    again = RecordingFile(file.path)
    assert again.examples == [0, 1]
    assert_equal(again[1], recording(2))
    monkeypatch.setattr(journal, "_apply", apply)
    again.append(2, recording(3))
    assert not journal_of(file.path).exists()
    with h5py.File(file.path) as plain:  # by anybody
        assert list(plain["examples"]) == ["000000000", "000000001", "000000002"]


KILLED = """
import sys
sys.path.insert(0, sys.argv[1])
from test_journal import recording
from spikelearn.recording_file import RecordingFile
file = RecordingFile(sys.argv[2])
for k in range(1, 10**6):
    file.append(k, recording(k % 5))
    print(k, flush=True)
"""


def test_whoever_is_killed_while_adding_leaves_what_was_added_whole(file):
    draws, most = random.Random(1), 1
    for _ in range(4):
        command = [sys.executable, "-c", KILLED, os.path.dirname(__file__), str(file.path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            child.stdout.readline()
            time.sleep(draws.uniform(0, 0.1))
            child.kill()
            done = [int(line) for line in child.stdout if line.endswith("\n")]
        most = max([most, *done])
        assert file.examples in (list(range(most + 1)), list(range(most + 2)))
        most = file.examples[-1]
        for k in file.examples[1:]:
            assert_equal(file[k], recording(k % 5))


@pytest.mark.parametrize("limit", [0, 1, PAGE, 60_000])
def test_a_full_disk_is_an_error_with_the_name_and_nothing_is_lost(file, limit):
    before = file.path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(OSError, match=r"File too large: '.*r\.h5'"):
            for k in range(1, 100):
                file.append(k, recording(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    if limit <= PAGE:
        assert file.path.read_bytes() == before and os.listdir(file.path.parent) == ["r.h5"]
    n = len(file)
    for k in range(1, n):
        assert_equal(file[k], recording(2))
    file.append(1000, recording(3))
    assert len(file) == n + 1
    assert_equal(file[1000], recording(3))


def test_a_notebook_that_holds_the_file_open_does_not_end_a_training(file, monkeypatch):
    monkeypatch.setattr(journal, "PATIENCE", 0.05)
    with h5py.File(file.path) as plain:
        assert len(plain["examples"]) == 1
        file.append(1, recording(2))
    assert_equal(file[1], recording(2))


@pytest.mark.parametrize("patience", [journal.PATIENCE, 0.0])
def test_readers_beside_a_writer_see_whole_recordings(file, monkeypatch, patience):
    """Even where the writer does not wait for them, or the file system has no locks."""
    monkeypatch.setattr(journal, "PATIENCE", patience)
    failures, stop, made = [], threading.Event(), [recording(k) for k in range(12)]

    def look():
        try:
            while not stop.is_set():
                again = RecordingFile(file.path)
                for k in again.examples:
                    assert_equal(again[k], made[k])
        except Exception as error:
            failures.append(error)

    file.append(0, made[0])
    readers = [threading.Thread(target=look) for _ in range(2)]
    for reader in readers:
        reader.start()
    for k in range(1, 12):
        file.append(k, made[k])
    stop.set()
    for reader in readers:
        reader.join()
    assert not failures


def test_what_is_read_while_others_write_is_read_again(file, monkeypatch):
    monkeypatch.setattr(journal, "PATIENCE", 0.0)
    file.append(0, recording(0))
    looks = []

    def look(opened):
        looks.append(len(opened["examples"]))
        if len(looks) < 3:
            file.append(len(looks), recording(len(looks)))
            raise ValueError("two states read as one")
        return "found"

    assert found(file.path, look) == "found"
    assert looks == [1, 2, 3]


def test_ctrl_c_ends_a_look_at_a_file_that_was_changed(file, monkeypatch):
    monkeypatch.setattr(journal, "PATIENCE", 0.0)

    def look(opened):
        file.append(0, recording(0))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        found(file.path, look)


def test_a_file_that_never_rests_is_refused(file, monkeypatch):
    monkeypatch.setattr(journal, "PATIENCE", 0.0)
    with pytest.raises(sl.InputError, match=r"r\.h5 is changed more often than it can be read"):
        found(file.path, lambda opened: file.append(0, recording(0)))


def test_no_change_writes_nothing(file):
    before = os.stat(file.path).st_mtime_ns
    with changing(file.path) as pages:
        pages.read(10)
    with reading(file.path) as pages:
        assert not pages.changed
    assert RecordingFile(file.path).examples == [0]
    assert os.stat(file.path).st_mtime_ns == before


def test_a_training_records_to_a_file_that_is_being_read(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "PATIENCE", 0.05)
    model = sl.Model(network=sl.Network(sizes=(4, 3, 2)), learning_rates=(0.1, 0.1))
    images = sl.Images(x=np.eye(4, dtype=np.float32), y=np.array([0, 1, 0, 1]), n_classes=2, name="few")
    path = tmp_path / "r.h5"
    training = sl.train(
        model, images, seed=1, record=sl.Record(variables=["spikes"]), record_to=path, chunk_size=1, engine=sl.Clock()
    )
    next(training)
    with h5py.File(path):
        list(training)
    assert RecordingFile(path).examples == [0, 1, 2, 3]


def test_a_journal_of_something_else_is_refused_by_name(file):
    journal_of(file.path).write_bytes(b"pages 9\n")
    with pytest.raises(sl.InputError, match=r"\.r\.h5\.journal is no journal of this version of spikelearn; move"):
        file.append(1, recording(1))


def test_a_file_that_could_not_be_begun_leaves_no_empty_one(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(sl.InputError, match=r"cannot create .*r\.h5"):
            RecordingFile.create(tmp_path / "r.h5")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not os.listdir(tmp_path)
    RecordingFile.create(tmp_path / "r.h5")
