"""Ctrl-C, and what clusters send, answered where it suits."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from spikelearn.core.compiling import compiling


@contextmanager
def patient() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C, and what clusters send (SIGTERM), wait: yield a function that tells whether there was one.

    The second one interrupts at once; the first one, too, while the main thread waits for the compiler.
    """
    pressed = False

    def note(number: int, frame: Any) -> None:
        nonlocal pressed
        if pressed or compiling():
            raise KeyboardInterrupt
        pressed = True

    usual: dict[int, Any] = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    # Python handles signals in the main thread only; whoever has a handler of their own keeps it.
    in_main = threading.current_thread() is threading.main_thread()
    ours = [number for number, handler in usual.items() if in_main and signal.getsignal(number) is handler]
    for number in ours:
        signal.signal(number, note)
    try:
        yield lambda: pressed
    finally:
        for number in ours:
            signal.signal(number, usual[number])
