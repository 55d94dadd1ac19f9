"""What a network learns from and is tested on: examples, each with a class; and images, the usual ones."""

import hashlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np

from spikelearn.errors import InputError, InputWarning, check_kind, check_range, check_shares
from spikelearn.phases import Phases

__all__ = ["Examples", "Images", "Moment", "Shown", "Trains"]

DIM = 64  # uint8 images whose pixels are all below this may be of another scale than 0..255


class Trains(NamedTuple):
    """Input spikes of some showings.

    Parameters
    ----------
    first : (showings + 1,) int64 array
        Showing `k` has the spikes ``first[k]`` to ``first[k + 1]``, by time.
    neuron : (n,) int32 array
        Input that spikes.
    time : (n,) float64 array
        Time from the start of the showing, ms.
    """

    first: np.ndarray
    neuron: np.ndarray
    time: np.ndarray


class Shown(NamedTuple):
    """Activity of the inputs in some showings.

    Parameters
    ----------
    intensities : (examples, n_inputs) float32 array
        Intensities in 0..1, from which Poisson spikes are drawn.
    trains : Trains, optional
        Spikes in place of drawn ones; then the intensities have no meaning.
    """

    intensities: np.ndarray
    trains: Trains | None = None


class Moment(NamedTuple):
    """When examples are shown, and by which draws.

    Parameters
    ----------
    lengths : (showings, 2) array
        Length of the forward and of the target phase, ms; each example as often as the trial has showings.
    first : int
        Number of the first showing.
    rate_max : float
        Rate of an input of intensity 1, spikes/ms.
    generator : callable
        Returns a `numpy.random.Generator` for any whole numbers; for a showing's draws the first is its own number.
    """

    lengths: np.ndarray
    first: int
    rate_max: float
    generator: Callable[..., np.random.Generator]


class Examples(Protocol):
    """Contract of inputs, each with a class: `Images`, `Frames`, `SpikeTrains` and classes of a user keep it."""

    @property
    def name(self) -> str:
        """Name of the examples in error messages."""

    @property
    def y(self) -> np.ndarray:
        """Class of each example, (n,) int64 array."""

    @property
    def n_classes(self) -> int:
        """Number of classes."""

    @property
    def n_inputs(self) -> int:
        """Number of inputs that a network must have."""

    @property
    def targets(self) -> np.ndarray | None:
        """Share of each class that is taught, (n, n_classes) float64 array; None: all of `y`."""

    def __len__(self) -> int: ...

    def at(self, index: Any) -> "Examples":
        """Return some of the examples.

        Parameters
        ----------
        index : slice or (k,) int or bool array
            Which examples.

        Returns
        -------
        `Examples`
            The examples selected, of the same class.
        """

    def first(self, n: int) -> "Examples":
        """Return the first examples.

        Parameters
        ----------
        n : int
            How many.

        Returns
        -------
        `Examples`
            The examples, of the same class.

        Raises
        ------
        InputError
            There are fewer, or `n` is below 1.
        """

    def digest(self) -> str:
        """Return a hash of inputs and classes, in their order.

        Returns
        -------
        str
            The same for examples that the network cannot tell apart.
        """

    def check(self, phases: Phases, purpose: str) -> None:
        """Raise `InputError` if an example lasts longer than its phase.

        Parameters
        ----------
        phases : Phases
            Lengths and order of the phases.
        purpose : str
            ``"training"`` or ``"evaluation"``.

        Raises
        ------
        InputError
            Something of an example would come after its phase.
        """

    def show(self, index: Any, moment: Moment) -> Shown:
        """Return the activity of the inputs while some examples are shown.

        Parameters
        ----------
        index : slice or (k,) int or bool array
            Which examples.
        moment : Moment
            When they are shown, and the source of the draws.

        Returns
        -------
        Shown
            Intensities or spikes.
        """


@dataclass(frozen=True, kw_only=True, eq=False)
class Images:
    """Images and the class of each.

    Parameters
    ----------
    x : (n, n_inputs) or (n, height, width) array
        Pixels, flattened row by row: numbers in 0..scale. uint8 is kept, all else becomes float32.
    y : (n,) int array
        Class of each image, in ``0 .. n_classes - 1``; becomes int64.
    n_classes : int
        Number of classes.
    name : str
        Name of the images in error messages.
    scale : float, optional
        Pixel of intensity 1. By default 255 for uint8, with an `InputWarning` where all pixels are far below that,
        and 1 for floats; of other integers it must be given.
    targets : (n, n_classes) array, optional
        Share of each class that is taught, in place of all of `y`: numbers >= 0 that sum to 1; become float64.

    Raises
    ------
    InputError
        A shape, a type, a pixel or a label is not as above.
    """

    x: np.ndarray
    y: np.ndarray
    n_classes: int
    name: str
    scale: float | None = None
    targets: np.ndarray | None = None

    def __post_init__(self) -> None:
        x, y = np.asarray(self.x), np.asarray(self.y)
        _check_kind(x, self.scale is None, self.name)
        y = check_labels(y, len(x), self.n_classes, self.name, "image")
        scale = _scale_of(x, self.scale, self.name)
        _check_range(x, self.name, scale)
        x = np.ascontiguousarray(x.reshape(len(x), -1))
        if x.dtype != np.uint8:
            x, scale = (x if scale == 1 else x / scale).astype(np.float32, copy=False), 1.0
        object.__setattr__(self, "scale", scale)
        object.__setattr__(self, "x", x)
        object.__setattr__(self, "y", y)
        if self.targets is not None:
            object.__setattr__(self, "targets", check_shares(self.targets, len(x), self.n_classes, self.name))

    def __len__(self) -> int:
        return len(self.x)

    @property
    def n_inputs(self) -> int:
        """Number of pixels of an image: an input for each."""
        return self.x.shape[1]

    def intensities(self, index: np.ndarray | Sequence[int] | slice) -> np.ndarray:
        """Return the intensities of some images.

        Parameters
        ----------
        index : slice or (k,) int or bool array
            Which images.

        Returns
        -------
        (k, n_inputs) float32 array
            Intensities in 0..1, in memory of their own.
        """
        return np.divide(self.x[index], np.float32(self.scale or 1), dtype=np.float32)

    def digest(self) -> str:
        """Return a hash of intensities and classes, in their order."""
        digest = hashlib.sha256(f"{len(self)} {self.n_inputs} {self.n_classes}".encode() + self.y.tobytes())
        for at in range(0, len(self), 1000):
            digest.update(self.intensities(slice(at, at + 1000)).tobytes())
        if self.targets is not None:
            digest.update(self.targets.tobytes())
        return digest.hexdigest()[:16]

    def check(self, phases: Phases, purpose: str) -> None:
        """Accept any phases: an image lasts as long as its phase."""

    def show(self, index: Any, moment: Moment) -> Shown:
        """Return the intensities of some images, at which the inputs fire all the time."""
        return Shown(self.intensities(index))

    def first(self, n: int) -> "Images":
        """Return the first images; `InputError` unless there are that many, and at least one."""
        check_first(self, n, "images")
        return self.at(slice(n))

    def at(self, index: np.ndarray | slice) -> "Images":
        """Return some of the images."""
        targets = None if self.targets is None else self.targets[index]
        return replace(self, x=self.x[index], y=self.y[index], targets=targets)


def _scale_of(x: np.ndarray, scale: float | None, name: str) -> float:
    """Return the pixel of intensity 1; where it is a guess that may be wrong, say so."""
    if scale is not None:
        check_range(f"{name}: scale", scale, above=0)
        return float(scale)
    if x.dtype != np.uint8:
        return 1.0
    if 0 < x.max(initial=0) < DIM:
        warnings.warn(
            f"{name}: the largest pixel is {x.max()}, and 255 is taken for intensity 1, as pixels are uint8; if "
            f"{x.max()} is meant to be 1, give scale={x.max()}",
            InputWarning,
            stacklevel=4,
        )
    return 255.0


def _check_kind(x: np.ndarray, unscaled: bool, name: str) -> None:
    if x.ndim not in (2, 3) or x.size == 0:
        raise InputError(f"{name}: images must be (n, pixels) or (n, height, width), n at least 1; got shape {x.shape}")
    if x.dtype != np.uint8 and x.dtype.kind not in ("f" if unscaled else "fiu"):
        raise InputError(
            f"{name}: pixels must be uint8 (0..255) or float (0..1), got {x.dtype}; give scale=, the pixel of "
            f"intensity 1, or use astype"
        )


def _check_range(x: np.ndarray, name: str, scale: float) -> None:
    bad = ~((x >= 0) & (x <= scale))  # true for NaN
    if bad.any():
        image, pixel = divmod(int(bad.argmax()), x[0].size)
        value = str(x[bad][0]).replace("nan", "NaN")
        where = f"image {image}, pixel {pixel}"
        advice = " (if 0..255: give scale=255)" if scale == 1 else ""
        raise InputError(f"{name}: {value} at {where}; must be finite and within 0..{scale:g}{advice}")


def images_of(examples: Examples, who: str) -> Images:
    """Return examples that are images; `InputError` if they change in time, which `who` cannot be shown."""
    if not isinstance(examples, Images):
        raise InputError(
            f"{examples.name}: {who} learn from images, not from {type(examples).__name__}, which change in time"
        )
    return examples


def check_labels(y: np.ndarray, n: int, n_classes: int, name: str, what: str) -> np.ndarray:
    """Return a class for each of `n` examples, called `what`, as int64; `InputError` unless they are such."""
    check_kind("name", name, str, "it is for messages")
    check_range(f"{name}: n_classes", n_classes, at_least=1, integer=True)
    if y.shape != (n,):
        raise InputError(f"{name}: {n} {what}s but labels of shape {y.shape}; give one class number per {what}")
    if y.dtype.kind not in "iu":
        raise InputError(f"{name}: labels must be integers, got {y.dtype}; use astype")
    bad = (y < 0) | (y >= n_classes)
    if bad.any():
        raise InputError(f"{name}: label {y[bad][0]} at {what} {bad.argmax()}; must be within 0..{n_classes - 1}")
    return y.astype(np.int64, copy=False)


def check_first(examples: Examples, n: int, what: str) -> None:
    """Raise `InputError` unless there are `n` examples, called `what`, and `n` is at least 1."""
    if not 1 <= n <= len(examples):
        raise InputError(
            f"{examples.name}: cannot take the first {n} of {len(examples)} {what}; ask for 1 to {len(examples)}"
        )
