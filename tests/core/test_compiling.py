"""What is said of a compilation, what is remembered of it, and who waits for it."""

import json
import threading

import pytest
from conftest import needs_jit
from numba.core.errors import TypingError

from spikelearn.core import compiling
from spikelearn.core.jit import Kernel

pytestmark = needs_jit


def twice(x):
    return 2 * x


def failing(x):
    return x.nothing_of_the_kind


@pytest.fixture
def said(monkeypatch):
    """Return the lines, each told at once."""
    monkeypatch.setattr(compiling, "PATIENCE", 0.0)
    lines = []
    with compiling.telling(lines.append):
        yield lines


def test_a_compilation_is_said_once_and_not_if_the_code_is_at_hand(said, tmp_path):
    folder = tmp_path / "of_the_core"
    line = "spikelearn: compiling twice for this kind of network, once per installation: usually a minute or less"
    kernel = Kernel(twice, folder, inline=False)
    assert [kernel(3), kernel(4)] == [6, 8]
    assert said == [line]
    assert Kernel(twice, folder, inline=False)(3) == 6  # as another process would
    assert said == [line]
    assert kernel(1.5) == 3.0
    assert said == [line, line]  # other types


def test_how_long_it_took_is_said_when_the_same_is_compiled_again(said, tmp_path):
    Kernel(twice, tmp_path / "one", inline=False)(3)
    path = tmp_path / compiling.TIMES
    ((key, seconds),) = json.loads(path.read_text()).items()
    assert key.startswith("twice ") and 0 <= seconds < 60
    path.write_text(json.dumps({key: 23.4}))
    Kernel(twice, tmp_path / "two", inline=False)(3)
    assert said[1].endswith("once per installation: 23 s last time")
    assert list(json.loads(path.read_text())) == [key]


@pytest.mark.parametrize("content", ["", "[1", "[1]", "null"])
def test_a_file_of_times_that_cannot_be_read_is_written_anew(said, tmp_path, content):
    (tmp_path / compiling.TIMES).write_text(content)
    Kernel(twice, tmp_path / "of_the_core", inline=False)(3)
    assert said[0].endswith("usually a minute or less")
    assert len(json.loads((tmp_path / compiling.TIMES).read_text())) == 1


def test_code_that_cannot_be_kept_is_said_to_be_compiled_in_every_process(said):
    Kernel(twice, None, inline=False)(3)
    assert said == [
        "spikelearn: compiling twice for this kind of network, in every process, as it cannot be kept: "
        "usually a minute or less"
    ]


def test_what_takes_less_than_a_moment_is_not_said(tmp_path):
    lines = []
    with compiling.telling(lines.append):
        Kernel(twice, tmp_path / "of_the_core", inline=False)(3)
    assert lines == []


def test_by_default_it_is_said_on_stderr(capfd):
    compiling._print("a line")
    assert capfd.readouterr() == ("", "a line\n")


def test_the_main_thread_waits_and_others_compile_for_themselves():
    seen = []

    def work():
        seen.append((threading.current_thread(), compiling.compiling()))
        return 7

    assert compiling._aside(work) == 7
    ((worker, busy),) = seen
    assert worker is not threading.main_thread() and worker.daemon and busy
    assert not compiling.compiling()


def test_threads_that_need_the_same_kernel_say_so_once(said):
    """All but one wait for numba's lock, and hear of what that one compiles."""
    kernel, found, gate = Kernel(twice, None, inline=False), [], threading.Barrier(4)
    assert kernel._entry is kernel._entry  # before there are threads: what is compiled by all is one and the same

    def work():
        gate.wait()
        found.append(kernel(3))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [6] * 4
    assert len(said) == 1


def test_an_error_of_the_compiler_reaches_the_caller(said, tmp_path):
    with pytest.raises(TypingError, match="nothing_of_the_kind"):
        Kernel(failing, None, inline=False)(3)
    assert not compiling.compiling()


def test_a_compilation_that_is_not_waited_for_goes_on(monkeypatch):
    """As after Ctrl-C, which the wait lets through."""
    stop = threading.Event()

    def interrupted(thread, timeout):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "join", interrupted)
        with pytest.raises(KeyboardInterrupt):
            compiling._aside(stop.wait)
    assert compiling.compiling()
    stop.set()
    compiling._worker.join()
    assert not compiling.compiling()
