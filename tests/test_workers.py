"""Tasks in processes: none is lost with one, none is done three times, and all end with their parent."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

import spikelearn
from spikelearn import workers
from spikelearn.errors import InputError


def square(number):
    return number * number, os.getpid()


def die(folder, number, times):
    """Be killed as often as that, then return the number."""
    count = len(list(folder.glob(f"{number}.*")))
    (folder / f"{number}.{count}").touch()
    if count < times:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def refuse(number):
    raise InputError(f"{number} cannot be used")


def done(keys, task, n=2, **options):
    with workers.Processes(n) as executor:
        return dict(workers.do(keys, task, executor, at_once=n, **options))


def test_tasks_are_done_in_processes_that_are_used_again():
    found = done(range(6), lambda number: partial(square, number))
    assert {number: result[0] for number, result in found.items()} == {number: number**2 for number in range(6)}
    pids = {result[1] for result in found.values()}
    assert len(pids) <= 2 and os.getpid() not in pids


def test_a_task_whose_process_is_killed_is_done_once_more_and_no_other_with_it(tmp_path):
    found = done(range(4), lambda number: partial(die, tmp_path, number, times=number == 1))
    assert found == {number: number for number in range(4)}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.0", "1.0", "1.1", "2.0", "3.0"]


def test_a_task_that_kills_its_process_twice_is_given_up(tmp_path):
    def task(number):
        return partial(die, tmp_path, number, times=9 * (number == 1))

    found = done(range(4), task, lost=lambda number, error: (number, type(error).__name__))
    assert found == {0: 0, 1: (1, "TerminatedWorkerError"), 2: 2, 3: 3}
    assert len(list(tmp_path.glob("1.*"))) == 2
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(Exception, match="SIGKILL"):
        done(range(2), task)


def test_what_a_task_raises_is_raised_and_not_tried_again():
    asked = []
    with pytest.raises(InputError, match="^3 cannot be used$"):
        done([3], lambda number: asked.append(number) or partial(refuse, number), n=1)
    assert asked == [3]


def test_tasks_are_looked_up_when_it_is_their_turn():
    asked = []
    with ThreadPoolExecutor(1) as executor:
        tasks = workers.do(range(5), lambda number: asked.append(number) or (lambda: number), executor, at_once=1)
        assert next(tasks) == (0, 0) and asked == [0]
        assert next(tasks) == (1, 1) and asked == [0, 1]
        tasks.close()


def test_what_cannot_be_waited_for_is_asked_again_and_again():
    class Job:
        """As submitit's: no `Future`."""

        def __init__(self, task):
            self._task, self._asked = task, 0

        def done(self):
            self._asked += 1
            return self._asked > 2

        def exception(self):
            return None

        def result(self):
            return self._task()

        def cancel(self):
            raise AssertionError("it has ended")

    class Jobs:
        def submit(self, fn, *args):
            return Job(partial(fn, *args))

    assert dict(workers.do("ab", lambda name: lambda: name * 2, Jobs(), at_once=2)) == {"a": "aa", "b": "bb"}


def test_what_others_cancel_is_handed_over_once_more():
    class Once:
        """Cancels the first."""

        futures = 0

        def submit(self, fn, *args):
            future = Future()
            self.futures += 1
            if self.futures == 1:
                future.cancel()
                future.set_running_or_notify_cancel()
            else:
                future.set_result(fn(*args))
            return future

    executor = Once()
    assert list(workers.do([1], lambda number: lambda: number, executor, at_once=1)) == [(1, 1)]
    assert executor.futures == 2


SCRIPT = """
import os, signal, sys, time
from functools import partial
from pathlib import Path
from spikelearn import workers
from spikelearn.patience import patient

def work(folder, name):
    with patient() as interrupted:
        (folder / name).write_text(str(os.getpid()))
        while not interrupted():
            time.sleep(0.01)
    (folder / f"{name} stopped").touch()

with workers.Processes(2) as executor:
    list(workers.do(["a", "b"], lambda name: partial(work, Path(sys.argv[1]), name), executor, at_once=2))
"""


@pytest.mark.skipif(os.name != "posix", reason="by signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=["ctrl-c", "term", "kill"])
def test_however_the_parent_ends_its_processes_are_interrupted_as_by_sigterm(tmp_path, number):
    script, folder = tmp_path / "script.py", tmp_path / "folder"
    script.write_text(SCRIPT)
    folder.mkdir()
    environment = os.environ | {"PYTHONPATH": str(Path(spikelearn.__file__).parents[1])}
    process = subprocess.Popen([sys.executable, str(script), str(folder)], env=environment, stderr=subprocess.PIPE)
    wait_for(lambda: all((folder / name).is_file() and (folder / name).read_text() for name in "ab"))
    pids = [int((folder / name).read_text()) for name in "ab"]
    process.send_signal(number)
    process.communicate(timeout=30)
    wait_for(lambda: all((folder / f"{name} stopped").exists() for name in "ab"))
    wait_for(lambda: not any(alive(pid) for pid in pids))


def alive(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def wait_for(condition):
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)
