"""What is given to a core: refused in one line, or brought into the shape that the kernels want."""

import numpy as np

from spikelearn.errors import InputError, check_range, check_shares
from spikelearn.examples import Trains
from spikelearn.network import Network


def check_images(network: Network, images: np.ndarray) -> np.ndarray:
    """Return images as the kernels want them; `InputError` unless they are intensities of this network's inputs."""
    n_inputs = network.sizes[0]
    if not isinstance(images, np.ndarray) or images.dtype.kind != "f":
        what = getattr(images, "dtype", type(images).__name__)
        raise InputError(f"intensities must be an array of floats within 0..1, got {what}; use astype")
    if images.ndim != 2 or images.shape[1] != n_inputs:
        raise InputError(
            f"intensities of shape {images.shape[1:]} an image do not fit a network with {n_inputs} inputs; "
            f"each image must be of shape ({n_inputs},)"
        )
    low, high = images.min(initial=0.0), images.max(initial=0.0)
    if not (low >= 0 and high <= 1):  # true for NaN
        bad = ~((images >= 0) & (images <= 1))
        image, pixel = divmod(int(bad.argmax()), n_inputs)
        value = str(images[image, pixel]).replace("nan", "NaN")
        raise InputError(f"intensity {value} at image {image}, input {pixel}; must be finite and within 0..1")
    return np.ascontiguousarray(images, np.float32)


def check_labels(network: Network, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return labels as the kernels want them; `InputError` unless there is an output for each image's."""
    n_classes = network.n_classes
    given = np.asarray(labels)
    if given.dtype.kind not in "iu" or given.shape != (len(images),):
        raise InputError(
            f"labels must be integers, one for each of the {len(images)} images, got {given.dtype} of shape "
            f"{given.shape}"
        )
    bad = (given < 0) | (given >= n_classes)
    if bad.any():
        raise InputError(f"label {given[bad][0]} at image {bad.argmax()}; must be within 0..{n_classes - 1}")
    return np.ascontiguousarray(given, np.int64)


def check_targets(network: Network, labels: np.ndarray, targets: np.ndarray | None) -> np.ndarray:
    """Return the share of each class that is taught: all of the label's if `targets` is None."""
    if targets is None:
        return np.eye(network.n_classes)[labels]
    return check_shares(targets, len(labels), network.n_classes, "training")


def check_trial(network: Network, intensity: np.ndarray, label: int | None) -> np.ndarray:
    """Return one image as the kernels want it; `InputError` unless it and its label, if any, fit the network."""
    images = check_images(network, np.asarray(intensity)[None])
    if label is not None:
        check_labels(network, images, np.asarray([label]))
    return images[0]


def check_trains(network: Network, trains: Trains, durations: np.ndarray) -> None:
    """Raise `InputError` unless spikes are of inputs, by time, and within showings that last so many ms."""
    first, neuron, time = trains
    if len(first) != len(durations) + 1 or first[0] != 0 or first[-1] != len(neuron) or len(neuron) != len(time):
        raise InputError(
            f"input spikes of {len(first) - 1} showings, {len(neuron)} neurons and {len(time)} times: there are "
            f"{len(durations)} showings; first must go from 0 to the number of spikes"
        )
    row = np.repeat(np.arange(len(durations)), np.diff(first))
    bad = (neuron < 0) | (neuron >= network.sizes[0]) | ~((time >= 0) & (time < durations[row]))
    bad[1:] |= (np.diff(time) < 0) & (np.diff(row) == 0)
    if bad.any():
        k = int(bad.argmax())
        raise InputError(
            f"input spike of neuron {neuron[k]} at {time[k]:g} ms of showing {row[k]}: neurons must be 0 to "
            f"{network.sizes[0] - 1}, times ascending, from 0 to the end of the showing at {durations[row[k]]:g} ms"
        )


def check_learning_rates(network: Network, rates: tuple[float, ...]) -> None:
    """Raise `InputError` unless there is a learning rate for each layer."""
    if len(rates) != network.n_layers:
        raise InputError(
            f"{len(rates)} learning rates {tuple(rates)} for a network of {network.n_layers} layers with "
            f"weights; give one for each"
        )
    for rate in rates:
        check_range("learning_rates", rate, at_least=0)
