"""What a training run that records hands over: the examples that are wanted, and the file they go to."""

from pathlib import Path

import numpy as np

from spikelearn.descriptions import to_dict, to_kind
from spikelearn.engines import Engine, Trace
from spikelearn.engines.schedules import check_one
from spikelearn.errors import check_range
from spikelearn.examples import Examples, Moment
from spikelearn.model import Model
from spikelearn.network import Network
from spikelearn.origin import digest
from spikelearn.recording_file import RecordingFile
from spikelearn.watching import Record
from spikelearn.weights import Weights


class Recorder:
    """Writes the examples of a training run that are to be recorded into a file."""

    def __init__(
        self, record: Record, path: str | Path, model: Model, engine: Engine, images: Examples, seed: int, epochs: int
    ) -> None:
        n, network = epochs * len(images), model.network
        self.examples = range(n) if record.examples is None else frozenset(record.examples)
        for example in () if record.examples is None else sorted(self.examples):
            check_range("Record.examples", example, at_least=0, below=n, integer=True, unit=f"({epochs} epochs)")
        self.resolved = record.resolve(network, engine)
        self.watch = self.resolved.watch
        check_one(network.phases)
        duration = 2 * (network.phases.minimum + network.phases.extra_mean)
        size = len(self.examples) * self.resolved.size(duration, brightness(images, network, duration))
        self.resolved.check_size(size, record.limit, len(self.examples))
        self.made_from = {
            "seed": int(seed),
            "model": to_dict(model),
            "engine": to_kind(engine),
            "images": images.digest(),
            "record": self.resolved.request(),
        }
        self.file = RecordingFile(path) if Path(path).exists() else RecordingFile.create(path)
        self.file.claim(self.made_from)

    def begin(self, weights: Weights) -> None:
        """Note the weights that training starts from; whoever resumes it has others."""
        self.file.claim(self.made_from | {"weights": digest(*weights.arrays)})

    def __contains__(self, example: int) -> bool:
        return example in self.examples

    def keep(self, example: int, trace: Trace, annotations: dict[str, int | str]) -> None:
        """Add the recording of an example, in place of one that was there."""
        self.file.append(example, self.resolved.recording(trace, annotations | {"example": example}))


def brightness(images: Examples, network: Network, duration: float) -> float:
    """Estimate the sum of an example's intensities, from those of some that are shown for `duration` ms."""
    n = min(len(images), 100)
    lengths = np.tile([duration / 2, duration / 2], (n, 1))
    shown = images.show(
        slice(0, n), Moment(lengths, 0, network.rate_max, lambda *numbers: np.random.default_rng(numbers))
    )
    if shown.trains is not None:
        return len(shown.trains.time) / (n * duration * network.rate_max)
    return float(shown.intensities.sum(axis=1).mean())
