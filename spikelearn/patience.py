"""Ctrl-C, and what clusters and closed terminals send, answered where it suits."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from spikelearn.core.compiling import compiling
from spikelearn.handlers import answered

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
