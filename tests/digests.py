"""What the simulators compute, to the bit: networks, trials, and digests of all that comes out of them.

`tests/test_digests.py` compares with the table in `tests/digests.json`; ``python tests/digests.py`` makes that anew.

Nothing here goes through BLAS, which rounds by the machine: all feedback weights are drawn, none are products. Angles
are left out, for they go through the C library's arc cosine.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import spikelearn as sl
from spikelearn.engines import Stimulus
from spikelearn.engines.probing import Apical
from spikelearn.models import guerguiev2017
from spikelearn.timed import joined

TABLE = Path(__file__).with_suffix(".json")
SEED = 1
READINGS = ("released", "text")
N_TRAINING, N_TEST, N_GIVEN = 150, 20, 300
WATCHED = 100  # the example that is watched, where one is

# Layers of one block and of several, the last of which is never full.
ONE_HIDDEN = {"sizes": (90, 130, 10)}
TWO_HIDDEN = {"sizes": (90, 130, 70, 10)}
MANY_OUTPUTS = {"sizes": (40, 70, 66)}


class Case(NamedTuple):
    """What is simulated, and how."""

    engine: Any
    network: sl.Network
    rule: Any = sl.Plateau()
    watched: bool = False  # is an example recorded in the midst of training?
    given: str | None = None  # recorded trials in place of training: the spikes that are given, a field of `Stimulus`


# -- digests -----------------------------------------------------------------------------------------------------------


def arrays_of(value: Any) -> Iterator[np.ndarray]:
    """Yield all arrays in nested tuples, in order; numbers as arrays."""
    if isinstance(value, tuple):
        for part in value:
            yield from arrays_of(part)
    else:
        yield np.asarray(value)


def digest(*values: Any) -> str:
    """Digest arrays in nested tuples: types, shapes and bits."""
    found = hashlib.sha256()
    for array in arrays_of(values):
        found.update(f"{array.dtype.str} {array.shape} ".encode() + array.tobytes())
    return found.hexdigest()[:16]


def somas(core: Any) -> tuple[np.ndarray, ...]:
    """Return the somatic potentials of a core's neurons, one array a layer."""
    state = core.state()
    return tuple(state[f"layer{layer}_v_soma"] for layer in range(1, core.network.n_layers + 1))


def images(rng: np.random.Generator, n: int, n_inputs: int) -> np.ndarray:
    """Draw images, most of whose pixels are dark."""
    return rng.random((n, n_inputs), dtype=np.float32) * (rng.random((n, n_inputs)) < 0.25)


def digests(case: Case) -> dict[str, str]:
    """Simulate a case, and return a digest of each part of the results."""
    core = case.engine.build(case.network, case.network.draw_weights(SEED))
    return train(case, core) if case.given is None else record(case, core)


def train(case: Case, core: Any) -> dict[str, str]:
    """Train in three parts, then test."""
    rng, sizes = np.random.default_rng(0), case.network.sizes
    shown, labels = images(rng, N_TRAINING, sizes[0]), rng.integers(sizes[-1], size=N_TRAINING)
    chunks = [
        core.train(
            shown[first:stop],
            labels[first:stop],
            seed=SEED,
            first_example=first,
            learning_rates=(0.2,) * case.network.n_layers,
            rule=case.rule,
            watch=core.everything() if case.watched and first == WATCHED else None,
        )
        for first, stop in ((0, WATCHED), (WATCHED, WATCHED + 1), (WATCHED + 1, N_TRAINING))
    ]
    weights = core.weights
    found = {"weights": digest(weights.W, weights.b, weights.Y), "state": digest(somas(core))}
    tested = core.test(images(rng, N_TEST, sizes[0]), seed=SEED, first_example=0)
    found["predictions"] = digest(*((c.prediction, c.loss, c.v_output) for c in chunks), tested)
    return found | ({"trace": digest(chunks[1].trace)} if case.watched else {})


def record(case: Case, core: Any) -> dict[str, str]:
    """Record trials with given spikes: two of training, one after the other, and one of testing."""
    rng, network = np.random.default_rng(0), case.network
    # Whole and half ms, some of them alike; until the shortest trial ends.
    times = np.sort(rng.integers(0, 4 * network.phases.minimum, N_GIVEN)) / 2
    if case.given == "inputs":
        stimulus = Stimulus(inputs=joined([(rng.integers(network.sizes[0], size=N_GIVEN), times)]))
    else:
        feeding = rng.choice(np.unique(network.feeding), N_GIVEN)
        neurons = rng.integers(np.array(network.sizes[1:])[feeding])
        stimulus = Stimulus(apical=Apical(feeding, neurons, times))
    image = images(rng, 1, network.sizes[0])[0]
    trained = [core.record(image, label, seed=SEED, example=label, stimulus=stimulus) for label in range(2)]
    state = digest(somas(core))
    tested = core.record(image, None, seed=SEED, example=0, stimulus=stimulus)
    return {"trace": digest(*trained, tested), "state": state}


# -- cases -------------------------------------------------------------------------------------------------------------


def network(reading: str, sizes: tuple[int, ...], g_apical: float = 0.0, **changes: Any) -> sl.Network:
    """Describe a network of the paper's with other sizes and changes."""
    parts = guerguiev2017.READINGS[reading]
    hidden = sl.HiddenNeuron(g_apical=g_apical)
    return sl.Network(sizes=sizes, synapse=parts.synapse, phases=parts.phases, hidden=hidden, **changes)


# Of the network, and of the case.
VARIANTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "g_apical=0": (ONE_HIDDEN, {}),
    "g_apical=0.05": (ONE_HIDDEN | {"g_apical": 0.05}, {}),
    "g_apical=0, watched": (ONE_HIDDEN, {"watched": True}),
    "g_apical=0.05, watched": (ONE_HIDDEN | {"g_apical": 0.05}, {"watched": True}),
    "g_apical=0.6": (ONE_HIDDEN | {"g_apical": 0.6}, {}),
    "rates fed back": (ONE_HIDDEN | {"feedback_signal": "rates"}, {}),
    "rates fed back, g_apical=0.05": (ONE_HIDDEN | {"feedback_signal": "rates", "g_apical": 0.05}, {}),
    "jittered plateaus": (ONE_HIDDEN | {"plateaus": sl.JitteredPlateaus()}, {}),
    "jittered plateaus, g_apical=0.05": (ONE_HIDDEN | {"plateaus": sl.JitteredPlateaus(), "g_apical": 0.05}, {}),
    "two hidden layers": (TWO_HIDDEN, {}),
    "two hidden layers, g_apical=0.05": (TWO_HIDDEN | {"g_apical": 0.05}, {}),
    "feedback from above": (TWO_HIDDEN | {"feedback_from": "above"}, {}),
    "feedback from above, g_apical=0.05": (TWO_HIDDEN | {"feedback_from": "above", "g_apical": 0.05}, {}),
    "state not carried": (ONE_HIDDEN | {"carry_state": False}, {}),
    "66 outputs, g_apical=0.05": (MANY_OUTPUTS | {"g_apical": 0.05}, {}),
    "given input spikes": (ONE_HIDDEN, {"given": "inputs"}),
    "given apical spikes, g_apical=0.05": (ONE_HIDDEN | {"g_apical": 0.05}, {"given": "apical"}),
    "given apical spikes, feedback from above": (TWO_HIDDEN | {"feedback_from": "above"}, {"given": "apical"}),
}
HALF_MS = (
    "g_apical=0",
    "g_apical=0.05",
    "jittered plateaus",
    "feedback from above, g_apical=0.05",
    "given input spikes",
)
WITHOUT_SPIKES = ("g_apical=0", "g_apical=0.05", "two hidden layers")
OTHERS: dict[str, dict[str, Any]] = {  # more plans and rules: their kernels differ, so there are few
    "symmetric feedback with noise": {"feedback": sl.SymmetricFeedback(noise=0.05)},
    "learned feedback": {"feedback": sl.LearnedFeedback(base=sl.RandomFeedback())},
}
BIASED: dict[str, Any] = {"initial": sl.InitialWeights(apical_bias=1.0)}


def engines(variant: str, reading: str, dtype: str) -> dict[str, Any]:
    """Return the engines that simulate a variant: all of them in single precision, fewer in double."""
    found = {"clock": sl.Clock(dtype=dtype), "event": sl.Event(dtype=dtype)}
    if variant in HALF_MS:
        found["clock dt=0.5"] = sl.Clock(dt=0.5, dtype=dtype)
    if variant in WITHOUT_SPIKES and reading == "released":
        found["rates"] = sl.Rates(dtype=dtype)
    if dtype == "float64":
        if list(VARIANTS).index(variant) % 2 != READINGS.index(reading):
            del found["event"]  # each variant with one reading
    if "rates fed back, g_apical" in variant:
        found.pop("event", None)  # which refuses it
    return found


def every_case() -> Iterator[tuple[str, Case]]:
    """Yield names and cases."""
    for reading in READINGS:
        for variant, (changes, how) in VARIANTS.items():
            for dtype in ("float32", "float64"):
                for name, engine in engines(variant, reading, dtype).items():
                    yield f"{name} {dtype} {reading} {variant}", Case(engine, network(reading, **changes), **how)
    released = network("released", **ONE_HIDDEN)
    for variant, changes in OTHERS.items():
        yield f"clock float32 released {variant}", Case(sl.Clock(), replace(released, **changes))
    yield "clock float32 released backpropagation", Case(sl.Clock(), released, sl.Backprop())
    for name, engine in {"clock": sl.Clock(), "event": sl.Event(), "rates": sl.Rates()}.items():
        coupled = network("released", **TWO_HIDDEN, g_apical=0.05, **BIASED)
        yield f"{name} float32 released apical bias, g_apical=0.05", Case(engine, coupled)


CASES = dict(every_case())


def main() -> None:
    """Make the table anew, and say how much of it is new."""
    before = json.loads(TABLE.read_text()) if TABLE.exists() else {}
    found = {name: digests(case) for name, case in CASES.items()}
    lines = (f"{json.dumps(name)}: {json.dumps(parts)}" for name, parts in found.items())
    TABLE.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    changed = [name for name, parts in found.items() if before.get(name) != parts]
    print(f"{len(changed)} of {len(found)} cases changed", *changed, sep="\n")


if __name__ == "__main__":
    main()
