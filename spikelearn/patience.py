"""Ctrl-C, and what clusters and closed terminals send, answered where it suits."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from spikelearn.core.compiling import compiling

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
USUAL = (signal.default_int_handler, signal.SIG_DFL)  # commands take the first for all of them


@contextmanager
def patient() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C, SIGTERM of clusters and SIGHUP of terminals wait: yield a function that tells whether there was one.

    The second one interrupts at once; the first one, too, while the main thread waits for the compiler.
    """
    pressed = False

    def note(number: int, frame: Any) -> None:
        nonlocal pressed
        if pressed or compiling():
            raise KeyboardInterrupt
        pressed = True

    with answered(note, USUAL):
        yield lambda: pressed


@contextmanager
def answered(handler: Callable[[int, Any], Any], usual: Sequence[Any]) -> Iterator[None]:
    """Let a handler answer signals that have a usual one; whoever has a handler of their own keeps it.

    Parameters
    ----------
    handler : callable
        As `signal.signal` takes it.
    usual : sequence
        Handlers that are replaced, and are there again afterwards.
    """
    # Python handles signals in the main thread only.
    in_main = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in SIGNALS if in_main}
    ours = {number: old for number, old in before.items() if old in usual}
    for number in ours:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in ours.items():
            signal.signal(number, old)
