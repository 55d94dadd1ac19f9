"""Learning rules side by side on the same images: a table, a picture, and a small file for each rule and seed.

A file is written when its rule and seed are done, so a second start goes on with what is missing. What a file holds
follows from the configuration and the seed, whatever the number of jobs (but for the seconds).
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from spikelearn import datasets
from spikelearn.datasets import Dataset
from spikelearn.engines import Engine, Event
from spikelearn.errors import InputError, NotFiniteError, check_name, check_range
from spikelearn.origin import check_origin, plain
from spikelearn.plotting import save_comparison
from spikelearn.plotting.attempt import attempt
from spikelearn.ratenet import table
from spikelearn.ratenet.connections import Local
from spikelearn.ratenet.fit import check_fit, check_memory, fit, memory
from spikelearn.ratenet.network import RateNetwork
from spikelearn.ratenet.registry import ENTRIES, entry
from spikelearn.ratenet.rule import Rule
from spikelearn.side_by_side import gather, write_result
from spikelearn.spiking_row import ANGLES, NUMBERS, spiking_epochs, spiking_model
from spikelearn.storage import write_text

SPIKING = "spiking"
UPDATES, FEWEST = 1000, 5  # minibatches that rules learn from by default, and passes at least
CONTROLS = ("bp", "shallow")  # in every table and picture
NAMES = (*ENTRIES, SPIKING)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What is compared.

    Parameters
    ----------
    rules : tuple of str
        Names out of `NAMES`; backpropagation and the shallow control are added.
    data : str
        As `spikelearn.load` takes it.
    sizes : tuple of int
        Layers, input first; empty: two hidden layers of 256 units between pixels and classes.
    epochs : int, optional
        Passes over the training images; by default `usual_epochs` of them.
    seeds : int
        Seeds 1 to `seeds`.
    examples : int, optional
        Train on the first so many images; by default all.
    engine : Engine
        Of the spiking network.
    local : tuple of Local
        How the lowest layers see the image; all others are dense.
    scale : float, optional
        Pixel of intensity 1 of images in a folder or a file, as `spikelearn.load` takes it.

    Attributes
    ----------
    images : dict
        Digests of the images that `data` named when this was made.
    """

    rules: tuple[str, ...] = NAMES
    data: str = "digits"
    sizes: tuple[int, ...] = ()
    epochs: int | None = None
    seeds: int = 5
    examples: int | None = None
    engine: Engine = field(default_factory=Event)
    local: tuple[Local, ...] = ()
    scale: float | None = None
    images: dict[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in self.rules:
            check_name("rule", name, NAMES)
        object.__setattr__(self, "rules", (*CONTROLS, *(rule for rule in self.rules if rule not in CONTROLS)))
        if len(set(self.rules)) < len(self.rules):
            raise InputError(f"rules {', '.join(self.rules)}: one is named twice")
        if self.epochs is not None:
            check_range("epochs", self.epochs, at_least=1, integer=True)
        check_range("seeds", self.seeds, at_least=1, integer=True)
        images, digests = _load(self.data, self.scale, self.examples, datasets.stamp(self.data))
        object.__setattr__(self, "images", digests)
        if self.epochs is None:
            object.__setattr__(self, "epochs", usual_epochs(len(images.train)))
        usual = (images.train.n_inputs, 256, 256, images.train.n_classes)
        network = RateNetwork(sizes=tuple(self.sizes) or usual, local=self.local)
        object.__setattr__(self, "sizes", network.sizes)
        check_fit(self.sizes, images)
        for name in self.rules:
            self.check(name)

    def load(self) -> Dataset:
        """Load the images; `InputError` if they are others than they were."""
        images, digests = _load(self.data, self.scale, self.examples, datasets.stamp(self.data))
        check_origin(
            f"{self.data} was replaced while it was compared on", self.images, digests, "start the comparison again"
        )
        return images

    def check(self, name: str) -> None:
        """Raise `InputError` if a rule does not fit the layers."""
        check_layers(name, self.sizes, self.local, self.data)

    def task(self, name: str, seed: int) -> dict[str, Any]:
        """Return all that determines the result of a rule and a seed."""
        if name == SPIKING:
            description = f"{NUMBERS}; {ANGLES}; {self.engine}"
        else:
            description = repr((entry(name).rule, dict(entry(name).options)))
        left_out = ("rules", "seeds", "engine", "data", "scale")  # the digests of the images have the last
        own = {key: value for key, value in asdict(self).items() if key not in left_out}
        if not self.local:  # as before there were local layers
            del own["local"]
        # The name of the images, not where they are: the spiking network takes other numbers for some.
        return plain({"rule": name, "seed": seed, "description": description, "data": self.load().name, **own})


def check_layers(name: str, sizes: tuple[int, ...], local: tuple[Local, ...], data: str) -> None:
    """Raise `InputError` if a rule cannot learn in such layers."""
    if name != SPIKING:
        known = entry(name)
        check_memory(known.network(sizes, local), known.rule)
    elif local:
        raise InputError(f"{SPIKING}: its layers are dense, and {len(local)} here are not; leave it out with --rules")
    else:
        spiking_model(sizes, data)


def fitting(sizes: tuple[int, ...], local: tuple[Local, ...], data: str) -> tuple[str, ...]:
    """Return the names of the rules that can learn in such layers."""
    found = []
    for name in NAMES:
        try:
            check_layers(name, sizes, local, data)
        except InputError:
            continue
        found.append(name)
    return tuple(found)


def memory_of(comparison: Comparison) -> dict[str, int]:
    """Return for each rule but the spiking one the bytes of its arrays; activities of a minibatch come on top."""
    known = {name: entry(name) for name in comparison.rules if name != SPIKING}
    layers = comparison.sizes, comparison.local
    return {name: memory(found.network(*layers), found.rule) for name, found in known.items()}


def usual_epochs(n_images: int) -> int:
    """Return how often so many images are gone through to make `UPDATES` minibatches, five times at least.

    Five passes are 2,340 minibatches of MNIST, but 55 of the small digits, after which some rules have hardly begun.
    """
    return max(FEWEST, math.ceil(UPDATES / max(1, n_images // Rule.batch)))


@lru_cache(maxsize=1)
def _load(source: str, scale: float | None, examples: int | None, stamp: Any) -> tuple[Dataset, dict[str, str]]:
    """Load images that have a stamp, and work out their digests."""
    images = datasets.load(source, scale=scale)
    if examples is not None:
        images = replace(images, train=images.train.first(examples))
    return images, images.digests()


def compare(
    comparison: Comparison, out: str | Path, *, jobs: int = 1, progress: Callable[[int, int], Any] | None = None
) -> list[dict[str, Any]]:
    """Train every rule with every seed that `out` has no result of; write table and picture there, return all results.

    Parameters
    ----------
    comparison : Comparison
    out : path
        Folder; made if needed. Results lie in ``results/<rule>-<seed>.json``, beside them ``table.txt``,
        ``table.csv`` and ``comparison.png``.
    jobs : int
        Processes at work; no influence on the results.
    progress : callable, optional
        Called with the number of results at hand and that of all.

    Raises
    ------
    InputError
        `out` holds results of another configuration.
    """
    folder, seeds = Path(out) / "results", range(1, comparison.seeds + 1)

    def work(name: str, seed: int) -> Callable[[], dict[str, Any]]:
        return partial(_work, comparison, folder, name, seed)

    results = gather(folder, comparison.rules, seeds, comparison.task, work, jobs=jobs, progress=progress)
    write_report(results, out, f"{comparison.data}, {'-'.join(map(str, comparison.sizes))}")
    return results


def write_report(results: Sequence[dict[str, Any]], out: str | Path, title: str) -> None:
    """Write ``table.txt``, ``table.csv`` and ``comparison.png`` to a folder."""
    rows = table.rows(results)
    write_text(Path(out) / "table.txt", table.text(rows) + "\n")
    write_text(Path(out) / "table.csv", table.csv_text(rows))
    picture = Path(out) / "comparison.png"
    attempt(picture, save_comparison, [picture], *curves(results), title)


def curves(results: Sequence[dict[str, Any]]) -> tuple[dict[str, list[float]], list[dict[str, list[float]]]]:
    """Return what `save_comparison` draws: each rule's mean error, and its mean angle in each hidden layer."""
    by_rule: dict[str, list[dict[str, Any]]] = {}
    for result in results:
        by_rule.setdefault(result["rule"], []).append(result)
    hidden = max((len(epoch["angle"]) for result in results for epoch in result["epochs"]), default=0)
    errors = {rule: table.curve(found, "test_error") for rule, found in by_rule.items()}
    angles = [{rule: table.curve(found, "angle", k) for rule, found in by_rule.items()} for k in range(hidden)]
    return errors, angles


def _work(comparison: Comparison, folder: Path, name: str, seed: int) -> dict[str, Any]:
    """Train one rule with one seed, and write the result; in a process of its own where there are several jobs."""
    result: dict[str, Any] = {"rule": name, "seed": seed, "epochs": [], "diverged": None}
    with threadpool_limits(1):  # sums in the same order, hence the same bits, whatever runs beside
        try:
            for epoch in _epochs(comparison, name, seed):
                result["epochs"].append(_plain(epoch))
        except NotFiniteError:
            result["diverged"] = len(result["epochs"]) + 1
    write_result(folder, (name, seed), result, comparison.task(name, seed))
    return result


def _epochs(comparison: Comparison, name: str, seed: int) -> Iterator[dict[str, Any]]:
    data, epochs = comparison.load(), comparison.epochs
    assert epochs is not None  # set when it was made
    if name == SPIKING:
        yield from spiking_epochs(comparison.sizes, data, seed=seed, epochs=epochs, engine=comparison.engine)
        return
    known = entry(name)
    network = known.network(comparison.sizes, comparison.local)
    for epoch in fit(network, known.rule, data, seed=seed, epochs=epochs):
        yield {key: value for key, value in vars(epoch).items() if key != "state"}


def _plain(epoch: dict[str, Any]) -> dict[str, Any]:
    """Make it JSON: no number is null, not NaN."""
    degrees = {key: [None if math.isnan(v) else v for v in epoch[key]] for key in ("angle", "alignment")}
    return {**epoch, **degrees}
