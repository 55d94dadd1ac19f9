"""What a user meets while numba compiles: a line that says so, and a Ctrl-C that is answered at once.

Compiling is made of long calls of C, in which Python does not look at signals. So it goes on beside the main thread,
which waits for it; whoever is interrupted leaves it alone, as it cannot be stopped.
"""

import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from numba.core import event

PATIENCE = 3.0  # s; what takes less is not worth a line
TIMES = "seconds.json"  # in the folder of all caches: how long each kernel took last time


def _print(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


announce: Callable[[str], object] = _print  # what is done with the line; `telling` changes it
_worker: threading.Thread | None = None


@contextmanager
def telling(tell: Callable[[str], object]) -> Iterator[None]:
    """Let `tell` be called with the lines, in place of printing them to stderr."""
    global announce
    usual, announce = announce, tell
    try:
        yield
    finally:
        announce = usual


def compiling() -> bool:
    """Return whether something is compiled beside the main thread."""
    return _worker is not None and _worker.is_alive()


def compile_aside(dispatcher: Any, folder: Path | None, signature: Any) -> Any:
    """Load compiled code from the cache, or announce and compile it; the main thread can be interrupted meanwhile.

    Parameters
    ----------
    dispatcher : numba's
    folder : Path or None
        Where its code is kept.
    signature : tuple of types
    """

    def work() -> Any:
        with event.install_listener("numba:compile", _Announcer(dispatcher, folder)) as announcer:
            code = type(dispatcher).compile(dispatcher, signature)
        announcer.keep()
        return code

    return _aside(work) if threading.current_thread() is threading.main_thread() else work()


def _aside(work: Callable[[], Any]) -> Any:
    """Call a function in a thread of its own, and wait."""
    global _worker
    outcome: Future[Any] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    # A daemon: Python does not wait for it at its end.
    _worker = thread = threading.Thread(target=run, name="spikelearn-compiling", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.1)  # without a limit, Windows would not let Ctrl-C through
    return outcome.result()


class _Announcer(event.Listener):
    """Hears from numba when it compiles, which it does where the cache has nothing."""

    def __init__(self, dispatcher: Any, folder: Path | None) -> None:
        self._dispatcher, self._folder, self._thread = dispatcher, folder, threading.get_ident()
        self._began: float | None = None
        self._key = ""

    def on_start(self, event: Any) -> None:
        """Tell, a little later."""
        if self._concerns(event):
            self._began = time.perf_counter()
            types = hashlib.sha256(str(event.data["args"]).encode()).hexdigest()
            self._key = f"{self._dispatcher.py_func.__name__} {types[:16]}"
            self._timer = threading.Timer(PATIENCE, self._tell)
            self._timer.daemon = True
            self._timer.start()

    def on_end(self, event: Any) -> None:
        """Tell no more."""
        if self._concerns(event):
            self._timer.cancel()

    def _concerns(self, event: Any) -> bool:
        """Return whether it is of this kernel, not of one that it calls, and of this thread."""
        return event.data["dispatcher"] is self._dispatcher and threading.get_ident() == self._thread

    def keep(self) -> None:
        """Remember how long it took, if it was compiled."""
        if self._began is None or self._folder is None:
            return
        path = self._folder.parent / TIMES
        beside = path.with_name(f"{TIMES}.{os.getpid()}")
        try:
            beside.write_text(json.dumps(self._times() | {self._key: round(time.perf_counter() - self._began, 1)}))
            beside.replace(path)
        except OSError:
            pass  # next time none is shown

    def _tell(self) -> None:
        name, last = self._dispatcher.py_func.__name__, self._times().get(self._key)
        often = "in every process, as it cannot be kept" if self._folder is None else "once per installation"
        takes = "usually a minute or less" if last is None else f"{last:.0f} s last time"
        announce(f"spikelearn: compiling {name} for this kind of network, {often}: {takes}")

    def _times(self) -> dict[str, float]:
        if self._folder is None:
            return {}
        try:
            return dict(json.loads((self._folder.parent / TIMES).read_text()))
        except (OSError, ValueError, TypeError):
            return {}
