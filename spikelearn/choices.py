"""From what a user chooses, a network by name, images, numbers, to the configuration of a run."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from spikelearn.datasets import Dataset, absolute
from spikelearn.descriptions import change
from spikelearn.engines import engine_named
from spikelearn.errors import check_name
from spikelearn.models import NETWORKS, guerguiev2017
from spikelearn.runs import Config


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What the options of ``spikelearn train`` say.

    Parameters
    ----------
    network : str
        Of `NETWORKS`.
    data : str
        As `spikelearn.load` takes it.
    scale : float, optional
        Pixel of intensity 1, as `load` takes it.
    hidden : tuple of int, optional
        Sizes of the hidden layers; by default as published.
    reading : str
    variant : str, optional
        Of the paper.
    engine : str
        Name in small letters.
    examples : int, optional
        Train on the first so many images.
    epochs, seed : int
    """

    network: str
    data: str = "digits"
    scale: float | None = None
    hidden: tuple[int, ...] | None = None
    reading: str = "released"
    variant: str | None = None
    engine: str = "event"
    examples: int | None = None
    epochs: int = 10
    seed: int = 1

    def __post_init__(self) -> None:
        check_name("network", self.network, NETWORKS)

    def config(self, data: Dataset, changes: Iterable[tuple[str, Any]] = (), others: Iterable[str] = ()) -> Config:
        """Return the configuration of a run.

        Parameters
        ----------
        data : Dataset
            The images, which say how many inputs and outputs the network has.
        changes, others
            Of numbers, as `descriptions.change` takes them.
        """
        sizes = {} if self.hidden is None else {"hidden": self.hidden}
        model = NETWORKS[self.network](
            self.reading, n_input=data.train.n_inputs, n_output=data.train.n_classes, **sizes
        )
        if self.variant is not None:
            model = guerguiev2017.variant(model, self.variant)
        config = Config(
            name=self.network,
            reading=self.reading,
            model=model,
            engine=engine_named(self.engine),
            data=absolute(self.data),
            scale=self.scale,
            examples=self.examples,
            epochs=self.epochs,
            seed=self.seed,
        )
        return change(config, changes, others)
