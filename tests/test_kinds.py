"""Classes of a user's own: trained with, kept in run folders, opened again in other processes, by name."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from conftest import IMPATIENT, needs_jit

import spikelearn as sl
from spikelearn import descriptions, kinds, runs, storage
from spikelearn.core.feedback import register_plan
from spikelearn.core.jit import kernel
from spikelearn.core.lanes import LANES
from spikelearn.core.rules import register_rule
from spikelearn.engines import engine_named
from spikelearn.feedback import Feedback
from spikelearn.learning import Rule

MINE = '''
"""The plateau rule by the recipe, and feedback of only ones, outside the package."""
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import spikelearn as sl
from spikelearn.core.feedback import Fixed
from spikelearn.core.jit import kernel
from spikelearn.core.learn import output_errors
from spikelearn.core.rules import register_rule


class Numbers(NamedTuple):
    step: float


@kernel
def errors(rule, own):
    if own.is_output:
        output_errors(rule.step, own)
        return
    factor = own.error.dtype.type(rule.step * own.dendrite_gain)
    for i in range(own.n):
        own.error[i] = factor * (own.plateau_target[i] - own.plateau_forward[i]) * own.slope[i]


register_rule(Numbers, errors)


@sl.register(like=sl.Plateau)
@dataclass(frozen=True)
class Mine:
    step: float = 20.0

    def constants(self):
        return Numbers(self.step)


@sl.register(like=sl.RandomFeedback)
@dataclass(frozen=True)
class Ones:
    value: float = 1.0

    def draw(self, rng, forward, scales, feeding):
        return [self.value * np.ones((len(W), len(forward[above]))) for W, above in zip(forward, feeding)]

    def plan(self):
        return Fixed()
'''
ORDER = ["--hidden", "5", "--engine", "clock", "--reading", "text"]


@pytest.fixture
def place(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    np.savez(tmp_path / "toy.npz", x=np.eye(4)[[0, 1, 2] * 10], y=[0, 1, 2] * 10)
    return tmp_path


def spikelearn(place, *arguments):
    # PYTHONPATH: the package may not be installed, but found from where the tests are started
    environment = os.environ | {"PYTHONPATH": str(Path(sl.__file__).parents[1])}
    command = [sys.executable, "-m", "spikelearn", *map(str, arguments)]
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)


def train(place, out, *more):
    return spikelearn(place, "train", "one-hidden", "--data", "toy.npz", *ORDER, "--out", out, *more)


@needs_jit
def test_a_rule_and_a_pathway_in_a_file_of_ones_own_train_and_are_opened_again(place):
    mine = ["--import", "mine", "--set", "rule=Mine", "--set", "feedback=Ones"]
    assert train(place, "whole", *mine, "--epochs", "2").returncode == 0
    first = train(place, "run", *mine, "--epochs", "1")
    assert first.returncode == 0, first.stderr
    kept = json.loads((place / "run" / "config.json").read_text())
    assert kept["model"]["rule"] == {"kind": "Mine", "step": 20.0}
    assert kept["model"]["network"]["feedback"] == {"kind": "Ones", "value": 1.0}
    # In another process, from the folder alone.
    again = spikelearn(place, "train", "one-hidden", "--out", "run", "--resume", "--epochs", "2", "--import", "mine")
    assert again.returncode == 0, again.stderr
    arrays, others = (storage.load_checkpoint(place / name / "checkpoint.h5")[0] for name in ("run", "whole"))
    for name, array in others.items():
        np.testing.assert_array_equal(arrays[name], array, err_msg=name)
    for command in (["info", "run"], ["evaluate", "run"], ["trace", "run"]):
        assert spikelearn(place, *command, "--import", "mine").returncode == 0
        ended = spikelearn(place, *command)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "unknown kind" in ended.stderr and "by --import MODULE" in ended.stderr
        assert ended.stderr.count("\n") == 1


@needs_jit
def test_the_plateau_rule_by_the_recipe_has_the_same_bits(place):
    assert train(place, "theirs", "--epochs", "2").returncode == 0
    assert train(place, "mine", "--import", "mine", "--set", "rule=Mine", "--epochs", "2").returncode == 0
    arrays, others = (storage.load_checkpoint(place / name / "checkpoint.h5")[0] for name in ("mine", "theirs"))
    for name, array in others.items():
        np.testing.assert_array_equal(arrays[name], array, err_msg=name)


@needs_jit
def test_what_was_compiled_for_a_rule_of_ones_own_is_there_for_the_next_process(place):
    environment = os.environ | {"XDG_CACHE_HOME": str(place / "cache"), "PYTHONPATH": str(Path(sl.__file__).parents[1])}
    mine = ["--import", "mine", "--set", "rule=Mine", "--epochs", "1"]
    order = ["train", "one-hidden", "--data", "toy.npz", *ORDER, *mine]
    said = []
    for out in ("one", "two"):
        command = [sys.executable, "-c", IMPATIENT, *order, "--out", out]
        said.append(subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True).stderr)
    assert "compiling train_chunk" in said[0] and said[1] == ""


@pytest.mark.parametrize(
    ("module", "reason"),
    [("nowhere", "ModuleNotFoundError: No module named 'nowhere'"), ("broken", "ZeroDivisionError: division by zero")],
)
def test_a_module_that_cannot_be_imported_is_refused_on_one_line(place, module, reason):
    (place / "broken.py").write_text("1 / 0\n")
    ended = spikelearn(place, "info", "--import", module)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"spikelearn: error: --import {module}: {reason}\n"


def test_what_stands_like_a_class_of_a_place_stands_in_the_place(forgotten):
    ours = {sl.Backprop, sl.DirectFeedbackAlignment, sl.FeedbackAlignment, sl.OutputOnly, sl.Plateau}
    assert ours <= set(kinds.kinds_of(Rule).values())

    @sl.register(like=sl.Plateau)
    @dataclass(frozen=True)
    class Own:
        pass

    @sl.register(like=Rule)
    @dataclass(frozen=True)
    class Another:
        pass

    assert kinds.kinds_of(sl.Plateau) == {"Own": Own}
    assert {"Own": Own, "Another": Another}.items() <= kinds.kinds_of(Rule).items()
    assert "Own" not in kinds.kinds_of(Feedback)


def test_what_is_no_frozen_dataclass_is_refused(forgotten):
    class Plain:
        pass

    @dataclass
    class Changing:
        x: int = 1

    for wrong in (Plain, Changing, Plain()):
        with pytest.raises(sl.InputError, match=r"register takes a frozen dataclass, got .*@dataclass\(frozen=True\)"):
            sl.register(like=sl.Plateau)(wrong)


def test_a_name_that_is_taken_is_refused_and_an_edited_class_takes_the_place_of_the_old(forgotten):
    @dataclass(frozen=True)
    class Plateau:
        x: int = 1

    with pytest.raises(sl.InputError, match="Plateau is the name of a class of spikelearn.learning.plateau"):
        sl.register(like=sl.Plateau)(Plateau)

    @dataclass(frozen=True)
    class Backprop:
        x: int = 1

    with pytest.raises(sl.InputError, match="Backprop is the name of a class of spikelearn.learning.backprop"):
        sl.register(like=sl.Plateau)(Backprop)

    def cell(default):
        @sl.register(like=sl.Plateau)
        @dataclass(frozen=True)
        class Own:
            x: int = default

            def constants(self):
                return None

        return Own

    cell(1)
    second = cell(2)
    assert kinds.kinds_of(sl.Plateau) == {"Own": second}


def test_a_choice_of_one_is_written_as_before_and_ones_own_by_name(forgotten):
    """A neuron, of which the package has one kind of a place: its files do not change by what somebody registers."""
    network = sl.Network(sizes=(3, 2, 2))
    before = descriptions.to_dict(network)

    @sl.register(like=sl.HiddenNeuron)
    @dataclass(frozen=True, kw_only=True)
    class Lazy(sl.HiddenNeuron):
        delay: float = 2.0

    assert descriptions.to_dict(network) == before
    assert descriptions.from_dict(sl.Network, before) == network
    lazy = replace(network, hidden=Lazy())
    assert descriptions.to_dict(lazy)["hidden"] == {"kind": "Lazy"} | descriptions.to_dict(Lazy())
    assert descriptions.from_dict(sl.Network, descriptions.to_dict(lazy)) == lazy
    assert descriptions.override(network, ["hidden=lazy", "hidden.delay=3"]).hidden == Lazy(delay=3.0)


def test_an_engine_of_ones_own_trains_is_kept_and_is_known_to_commands(forgotten, tmp_path):
    @sl.register(like=sl.Clock)
    @dataclass(frozen=True, kw_only=True)
    class Halves(sl.Clock):
        dt: float = 0.5

    np.savez(tmp_path / "toy.npz", x=np.eye(4)[[0, 1] * 10], y=[0, 1] * 10)
    source = str(tmp_path / "toy.npz")
    model = sl.Model(network=sl.Network(sizes=(4, 3, 2)), learning_rates=(0.1, 0.1))
    weights = []
    for name, engine in (("own", engine_named("halves")), ("same", sl.Clock(dt=0.5))):
        config = runs.Config(name="own", reading="text", model=model, data=source, epochs=1, seed=1, engine=engine)
        runs.Run.start(tmp_path / name, config, sl.load(source)).train()
        found, trained = runs.load_run(tmp_path / name)
        assert found.engine == engine
        weights.append(trained)
    assert type(runs.load_run(tmp_path / "own")[0].engine) is Halves
    assert weights[0] == weights[1] != model.network.draw_weights(1)


def test_a_run_that_could_not_be_opened_again_is_not_begun(tmp_path):
    @dataclass(frozen=True)
    class Nameless(sl.Plateau):
        pass

    np.savez(tmp_path / "toy.npz", x=np.eye(4)[[0, 1] * 10], y=[0, 1] * 10)
    source = str(tmp_path / "toy.npz")
    model = sl.Model(network=sl.Network(sizes=(4, 3, 2)), learning_rates=(0.1, 0.1), rule=Nameless())
    config = runs.Config(name="own", reading="text", model=model, data=source, epochs=1, seed=1)
    with pytest.raises(sl.InputError, match=r"config.model.rule: unknown kind 'Nameless'; .*spikelearn\.register"):
        runs.Run.start(tmp_path / "run", config, sl.load(source))
    assert not (tmp_path / "run").exists()


@needs_jit
def test_a_run_whose_rule_does_not_compile_is_not_begun(forgotten, tmp_path):
    def senseless(constants, own):
        own.error[0] = own.nonsense

    @sl.register(like=sl.Plateau)
    @dataclass(frozen=True)
    class Senseless:
        def constants(self):
            return Nonsense(1.0)

    register_rule(Nonsense, senseless)
    np.savez(tmp_path / "toy.npz", x=np.eye(4)[[0, 1] * 10], y=[0, 1] * 10)
    source = str(tmp_path / "toy.npz")
    model = sl.Model(network=sl.Network(sizes=(4, 3, 2)), learning_rates=(0.1, 0.1), rule=Senseless())
    config = runs.Config(name="own", reading="text", model=model, data=source, epochs=1, seed=1)
    with pytest.raises(sl.InputError, match="the kernels of Senseless cannot be compiled: own has no .nonsense"):
        runs.Run.start(tmp_path / "run", config, sl.load(source))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"feedback": "sparse"},
            r"Network.feedback must be an object with draw\(\) and plan\(\), such as .*got 'sparse'",
        ),
        ({"feedback": sl.SparseFeedback}, "Network.feedback must be an object .*got the class SparseFeedback"),
        ({"hidden": [sl.HiddenNeuron()] * 2}, r"Network.hidden has 2 neurons for the 1 hidden layers of sizes"),
        ({"hidden": [0.1]}, r"Network.hidden\[0\] must be of the class HiddenNeuron, got 0.1; give a"),
        ({"hidden": sl.OutputNeuron()}, "Network.hidden must be of the class HiddenNeuron, got a OutputNeuron"),
        ({"synapse": 3.0}, "Network.synapse must be of the class Synapse, got 3.0"),
        ({"plateaus": "jittered"}, r"Network.plateaus must be an object with cumulative\(\).*got 'jittered'"),
        ({"phases": None}, "Network.phases must be of the class Phases, got None"),
        ({"initial": sl.InitialWeights}, "Network.initial must be of the class InitialWeights, got the class Init"),
    ],
)
def test_parts_of_a_network_that_are_none_are_refused_at_once(changes, message):
    with pytest.raises(sl.InputError, match=message):
        sl.Network(sizes=(3, 2, 2), **changes)


def test_a_plan_that_the_core_does_not_know_is_refused_and_not_ignored():
    @dataclass(frozen=True)
    class Own(sl.RandomFeedback):
        def plan(self):
            return 7

    network = sl.Network(sizes=(3, 2, 2), feedback=Own())
    for engine in (sl.Clock(), sl.Event(), sl.Rates()):
        with pytest.raises(
            sl.InputError, match=r"Own.plan\(\) returned 7, and no code is registered for int; see .*plan"
        ):
            engine.build(network, network.draw_weights(1))


class Nonsense(NamedTuple):
    number: float


class Decay(NamedTuple):
    """A plan of one's own: feedback weights shrink, and follow the errors of the layer that feeds back."""

    keep: float
    rate: float


@kernel
def shrink(plan, layers, pathway, example, learning_rates):
    for number in range(len(layers) - 1):
        layer, source = layers[number], layers[layers[number].source].own
        for i in range(layer.n):
            for k in range(layer.n_feedback):
                row, lane = i // LANES * layer.n_feedback + k, i % LANES
                layer.feedback[row, lane] = plan.keep * layer.feedback[row, lane] + plan.rate * source.error[k]


register_plan(Decay, learn=shrink)


@dataclass(frozen=True)
class Decaying(sl.RandomFeedback):
    keep: float = 0.9
    rate: float = 0.5

    def plan(self):
        return Decay(self.keep, self.rate)


@pytest.mark.parametrize("engine", [sl.Clock(dtype="float64"), sl.Event(dtype="float64"), sl.Rates(dtype="float64")])
def test_a_plan_of_ones_own_changes_the_feedback_weights(engine):
    network = sl.Network(sizes=(4, 70, 3), feedback=Decaying())
    weights = network.draw_weights(1)
    core = engine.build(network, weights)
    image, label = np.ones((1, 4), np.float32), np.array([1])
    core.train(image, label, seed=1, first_example=0, learning_rates=(0.1, 0.1), rule=sl.Plateau())
    error = core._net.layers[1].own.error
    assert np.abs(error).max() > 0
    np.testing.assert_allclose(core.weights.Y[0], 0.9 * weights.Y[0] + 0.5 * error, rtol=1e-12)
