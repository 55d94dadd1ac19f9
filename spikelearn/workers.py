"""Tasks done elsewhere: in processes of this machine, or by any executor with the interface of `concurrent.futures`.

A task is a function without arguments. One whose process or machine is lost is done once more, elsewhere.
"""

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from typing import Any, TypeVar

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")

POLL = 0.05  # s, between two looks at what is no `Future` and cannot be waited for, as submitit's jobs
FAREWELL = 1.0  # s


def do(
    keys: Sequence[Key],
    task: Callable[[Key], Callable[[], Result]],
    executor: Executor,
    *,
    at_once: int,
    tries: int = 2,
    lost: Callable[[Key, BaseException], Result] | None = None,
) -> Iterator[tuple[Key, Result]]:
    """Yield the keys of tasks, and their results, as they come.

    Parameters
    ----------
    keys : sequence
    task : callable
        Returns the task of a key; called in their order, when it is their turn.
    executor : Executor
        Its futures need `done`, `exception`, `result` and `cancel`.
    at_once : int
        Tasks in its hands at a time.
    tries : int
        Times that a task is handed out at most; of threads 1, as none of them is lost.
    lost : callable, optional
        Returns a result in place of that of a task whose process was lost each time; by default the error is raised.

    Raises
    ------
    Exception
        What a task raises.
    """
    waiting, running, tried = deque(keys), dict[Any, Key](), dict.fromkeys(keys, 0)
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                key = waiting.popleft()
                tried[key] += 1
                running[executor.submit(_outcome, task(key))] = key
            for future in _ended(running):
                key = running.pop(future)
                error = _error(future)
                if error is None:
                    result, raised = future.result()
                    if raised is not None:
                        raise raised
                    yield key, result
                elif tried[key] < tries:
                    waiting.append(key)
                elif lost is not None:
                    yield key, lost(key, error)
                else:
                    raise error
    finally:
        for future in running:
            future.cancel()


def _outcome(task: Callable[[], Result]) -> tuple[Result | None, Exception | None]:
    """Return what a task returned, or raised: all else that comes of its future is the executor's."""
    try:
        return task(), None
    except Exception as error:
        return None, error


def _ended(futures: Iterable[Any]) -> list[Any]:
    """Wait until a future or more have ended."""
    if all(isinstance(future, Future) for future in futures):
        return list(wait(futures, return_when=FIRST_COMPLETED).done)
    while not (ended := [future for future in futures if future.done()]):
        time.sleep(POLL)
    return ended


def _error(future: Any) -> BaseException | None:
    try:
        return future.exception()
    except CancelledError as error:  # on a cluster others may do so, too
        return error


class Here(Executor):
    """Does what is submitted at once, in this thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Return a future that has ended."""
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Processes(Executor):
    """So many processes, of joblib's loky, each with one task at a time; one that dies takes only its own along.

    Ctrl-C is not theirs but the parent's. When that shuts this executor down, or ends in whatever way, what they do is
    interrupted as by SIGTERM, which lets a run write a checkpoint.
    """

    def __init__(self, n: int) -> None:
        self._processes = [_Process() for _ in range(n)]

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Hand over what can be pickled by cloudpickle; to be called with as many futures as processes at most."""
        free = next(process for process in self._processes if process.free)
        return free.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Interrupt what is being done, and end the processes; another Ctrl-C kills them."""
        try:
            for process in self._processes:
                process.interrupt()
            for process in self._processes:
                process.wait()
        finally:
            for process in self._processes:
                process.kill()


class _Process:
    """A process, made when it is needed, and anew after it died."""

    def __init__(self) -> None:
        self._executor: Any = None
        self._line: Any = None  # nothing goes over it; the process at its other end hears when it is closed
        self._future: Future[Any] | None = None

    @property
    def free(self) -> bool:
        return self._future is None or self._future.done()

    def submit(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
        if self._executor is None:
            self._start()
        try:
            self._future = self._executor.submit(_busy, fn, *args, **kwargs)
        except BrokenExecutor:
            self.kill()
            self._start()
            self._future = self._executor.submit(_busy, fn, *args, **kwargs)
        return self._future

    def _start(self) -> None:
        from joblib.externals.loky import ProcessPoolExecutor
        from joblib.externals.loky.backend import get_context

        context = get_context()
        end, self._line = context.Pipe(duplex=False)
        self._executor = ProcessPoolExecutor(1, context=context, initializer=_begin, initargs=(end,))

    def interrupt(self) -> None:
        if not self.free:
            self._line.close()

    def wait(self) -> None:
        if self._future is not None:
            wait([self._future])

    def kill(self) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, kill_workers=True)
            self._line.close()
            self._executor = None


_idle = threading.Event()  # of such a process


def _begin(line: Any) -> None:
    """Prepare a process, before its first task."""
    _idle.set()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_listen, args=(line,), name="spikelearn-parent", daemon=True).start()


def _busy(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    _idle.clear()
    try:
        return fn(*args, **kwargs)
    finally:
        _idle.set()


def _listen(line: Any) -> None:
    """Interrupt the task when the parent closes its end of a line, or ends; then end, too."""
    line.poll(None)
    os.kill(os.getpid(), signal.SIGTERM)
    _idle.wait()
    time.sleep(FAREWELL)  # a parent that is there takes the result
    os._exit(1)
