"""When the phases of trials are, and over what they are averaged, in an engine's unit of time."""

import numpy as np

from spikelearn.core.layer import FORWARD, TARGET
from spikelearn.errors import InputError
from spikelearn.phases import Phases, Showing


def training(phases: Phases, lengths: np.ndarray, settle: float, window: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Return when the showings of training examples are.

    Parameters
    ----------
    phases : Phases
        Which phases each of an example's showings has.
    lengths : (showings, 2) array
        How long a forward and a target phase of each would be.
    settle, window : float
        In the unit of the lengths.

    Returns
    -------
    lengths : (showings, 2) array
        0 for phases that a showing does not have.
    windows : (showings, 2, 2) array
        Where the averages of forward and target phases begin and end; at the ends of the phases. Without one the
        averages of the last one stay: 0 and 0. If the trial had none so far, the other phase stands for it.
    """
    parts, lengths = phases.showings, lengths.copy()
    rows = [slice(number, None, len(parts)) for number in range(len(parts))]
    for number, part in enumerate(parts):
        lengths[rows[number]] *= np.array([part.forward, part.target])
    ends = np.cumsum(lengths, axis=1)
    windows = np.stack([ends - (lengths - settle if window is None else window), ends], axis=2)
    seen = {FORWARD: False, TARGET: False}
    for number, part in enumerate(parts):
        for phase in seen:
            if part[phase]:
                seen[phase] = True
            else:
                windows[rows[number], phase] = 0 if seen[phase] else windows[rows[number], 1 - phase]
    return lengths, windows


def testing(n: int, settle: float, length: float) -> tuple[np.ndarray, np.ndarray]:
    """Return when `n` test images are shown: lengths and windows as of `training`, without target phase."""
    lengths = np.zeros((n, 2), np.asarray(length).dtype)
    lengths[:, FORWARD] = length
    windows = np.zeros((n, 2, 2), lengths.dtype)
    windows[:, FORWARD] = settle, length
    return lengths, windows


def told(parts: tuple[Showing, ...]) -> tuple[int, int]:
    """Return the showings of an example whose prediction and whose errors count: the first, and the last learned."""
    seen = next((k for k, part in enumerate(parts) if part.forward), 0)
    return seen, max((k for k, part in enumerate(parts) if part.learns), default=len(parts) - 1)


def check_one(phases: Phases) -> None:
    """Raise `InputError` if a trial cannot be recorded, as it shows its example more than once."""
    if len(phases.showings) > 1:
        raise InputError(
            f"a recording has one forward and one target phase, and Phases.order={phases.order} shows an example "
            f"{len(phases.showings)} times; record a trial of another order"
        )
