"""Who answers Ctrl-C, what clusters send, and what closed terminals send; light, for commands begin with it."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


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
