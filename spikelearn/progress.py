"""A network that learns, and how far it is: both change together or not at all, in one thread at a time."""

import copy
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, NamedTuple, TypeVar

from spikelearn.engines.base import Core
from spikelearn.engines.carried import Snapshot
from spikelearn.errors import InputError
from spikelearn.weights import Weights

T = TypeVar("T")
POLL = 0.001  # s, between two looks whether another thread is done with its chunk


class Reached(NamedTuple):
    """How far a training is, besides what the core holds; never changed in place."""

    trials: int  # examples learned
    average: Weights | None = None  # of the weights, if they are averaged


class _Turn:
    """A thread's stay in a `Progress`: it lasts as long as a call of a function does.

    Parameters
    ----------
    frame : frame
        Of that call.
    """

    def __init__(self, frame: FrameType) -> None:
        self.thread, self._frame = threading.current_thread(), frame

    def lasts(self) -> bool:
        """Return whether the call is still on the stack of its thread: an interrupt may have kept it from saying so."""
        frame = sys._current_frames().get(self.thread.ident or 0)
        while frame is not None and frame is not self._frame:
            frame = frame.f_back
        return frame is not None


class Progress:
    """A core and how far it has learned.

    Python raises KeyboardInterrupt between any two of its instructions. So what belongs together is one attribute,
    and what was begun and not finished is undone, at once or, if that is interrupted, too, by whoever comes next.

    Parameters
    ----------
    core : Core
        Nobody else changes it.
    reached : Reached
    """

    def __init__(self, core: Core, reached: Reached) -> None:
        self._core = core
        # How far the core is; while it is changed, what to go back to, too.
        self._now: tuple[Reached, Snapshot | None] = (reached, None)
        self._spare: Snapshot | None = None  # memory for the next one
        self._turn: _Turn | None = None
        self._gate = threading.Lock()

    @property
    def reached(self) -> Reached:
        """How far the core is."""
        return self._now[0]

    def look(self, see: Callable[[Core], T]) -> T:
        """Return what `see` returns of the core; another thread's change is waited for."""
        return self._alone(lambda: see(self._core), wait=True)

    def change(self, act: Callable[[Core, Reached], tuple[T, Reached]], *, wait: bool) -> T:
        """Let `act` change the core; whatever it raises, nothing has changed.

        Parameters
        ----------
        act : callable
            Is handed the core and how far it is; returns anything, and how far it is afterwards.
        wait : bool
            Wait for the change of another thread, or raise `InputError`.
        """

        def work() -> T:
            reached = self.reached
            self._spare = self._core.snapshot(self._spare)
            self._now = reached, self._spare
            try:
                result, reached = act(self._core, reached)
                self._now = reached, None
            except BaseException:
                self._undo()
                raise
            return result

        return self._alone(work, wait)

    def _alone(self, work: Callable[[], T], wait: bool) -> T:
        turn = _Turn(sys._getframe())
        try:
            self._take(turn, wait)
            self._undo()
            return work()
        finally:
            if self._turn is turn:
                self._turn = None

    def _take(self, turn: _Turn, wait: bool) -> None:
        while True:
            with self._gate:
                other = self._turn
                if other is None or not other.lasts():
                    self._turn = turn
                    return
            if other.thread is turn.thread:  # a signal handler, say
                raise InputError("this training is in the middle of a chunk; use it between two chunks")
            if not wait:
                raise InputError(
                    f"this training is driven by another thread, {other.thread.name!r}; drive it from one thread, or "
                    f"give each thread a training of its own (copy.deepcopy)"
                )
            time.sleep(POLL)

    def _undo(self) -> None:
        """Go back to before a change that was not finished."""
        reached, before = self._now
        if before is not None:
            self._core.rollback(before)
            self._now = reached, None

    # Copies and pickles are of what is between two changes; each has a core of its own.

    def __reduce__(self) -> tuple[Any, ...]:
        return self._alone(lambda: (Progress, (copy.copy(self._core), self.reached)), wait=True)

    def __copy__(self) -> "Progress":
        make, arguments = self.__reduce__()
        return make(*arguments)
