"""Measurements one after the other, of something that learns between them."""

from collections.abc import Iterator
from typing import TypeVar

from spikelearn.errors import InputError

T = TypeVar("T")


class Unbroken(Iterator[T]):
    """Yield what another iterator does, and after an error or Ctrl-C in it refuse to go on.

    A generator would end there as if it had come to its end, and a loop that is started again would take what was
    measured until then for all of it.

    Parameters
    ----------
    what : str
        What is measured, for the message.
    points : iterator
        Where measurements come from.
    """

    def __init__(self, what: str, points: Iterator[T]) -> None:
        self._what, self._points = what, points
        self._stopped = ""

    def __next__(self) -> T:
        if self._stopped:
            raise InputError(f"{self._what} was stopped in its midst by {self._stopped}; start it again")
        try:
            return next(self._points)
        except StopIteration:
            raise
        except BaseException as error:
            self._stopped = type(error).__name__
            raise
