"""The cache of compiled code: it is used, and never stale."""

import importlib.util
import sys
from collections import namedtuple
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import needs_jit

import spikelearn as sl
from spikelearn.core import identity, jit, keeping, rates, trial
from spikelearn.core.jit import kernel
from spikelearn.core.records import record
from spikelearn.core.registered import code_of, with_code
from spikelearn.core.rules import layer_errors
from spikelearn.core.trial import train_chunk
from spikelearn.engines import Clock
from spikelearn.engines.rates import RatesCore

RULE = """
from typing import NamedTuple

from spikelearn.core.jit import kernel
from spikelearn.core.rules import register_rule
{imported}

class Constants(NamedTuple):
    step: float


class Rule:
    def constants(self):
        return Constants(1.0)


@kernel
def errors(rule, own):
    for i in range(own.n):
        own.error[i] = {error}


register_rule(Constants, errors)
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Compile into a folder of its own."""
    monkeypatch.setattr(keeping.platformdirs, "user_cache_path", lambda name: tmp_path / "cache")
    monkeypatch.setattr(jit, "cache_folder", jit.cache_folder.__wrapped__)
    return tmp_path / "cache"


def load(path, monkeypatch):
    """Import a file, again if need be, as a new process would."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, path.stem, module)
    spec.loader.exec_module(module)
    return module


@jit.kernel
def _errors(rule, own):
    layer_errors(rule, own, own, own)


def small_core():
    network = sl.Network(sizes=(1, 1), phases=sl.Phases(minimum=2.0, settle=0.0))
    return Clock(dtype="float64").build(network, network.draw_weights(1))


def error_of(constants):
    """Return the error of the only neuron of a network."""
    own = small_core()._net.layers[0].own
    run, (present,) = with_code(_errors, constants(1.0))
    run(present, own)
    return own.error[0]


def trained_bias(rule):
    """Return what an example adds to the bias of the only neuron of a network."""
    core = small_core()
    before = core.weights.b[0][0]
    core.train(
        np.zeros((1, 1), np.float32), np.zeros(1, int), seed=1, first_example=0, learning_rates=(1.0,), rule=rule
    )
    return core.weights.b[0][0] - before


@needs_jit
def test_a_rule_that_was_changed_is_compiled_anew(cache, tmp_path, monkeypatch):
    path = tmp_path / "a_rule.py"
    for error in ("2.0", "3.0"):
        path.write_text(RULE.format(imported="", error=error))
        assert trained_bias(load(path, monkeypatch).Rule()) == pytest.approx(float(error))


@needs_jit
@pytest.mark.parametrize(
    "part, error",
    [
        ("FACTOR = {}\n", "FACTOR"),
        ("from spikelearn.core.jit import inlined\n\n@inlined\ndef factor():\n    return {}\n", "factor()"),
        ("from numba import njit\n\n@njit\ndef factor():\n    return {}\n", "factor()"),
    ],
    ids=["number", "kernel", "function"],
)
def test_a_rule_of_which_a_part_elsewhere_was_changed_is_compiled_anew(cache, tmp_path, monkeypatch, part, error):
    rule, other = tmp_path / "rule_of_parts.py", tmp_path / "part_of_it.py"
    rule.write_text(RULE.format(imported=f"from part_of_it import {error.removesuffix('()')}\n", error=error))
    for value in ("2.0", "3.0"):
        other.write_text(part.format(value))
        load(other, monkeypatch)
        assert error_of(load(rule, monkeypatch).Constants) == float(value)


def folder_of(constants):
    """Return the folder of the code for a rule."""
    return jit.specialised(_errors, *code_of(constants))._folder


@needs_jit
def test_code_for_a_rule_lies_where_no_other_file_has_a_say(cache, tmp_path, monkeypatch):
    one, other = tmp_path / "one.py", tmp_path / "other.py"
    for path in (one, other):
        path.write_text(RULE.format(imported="", error="2.0"))
    before = folder_of(load(one, monkeypatch).Constants), folder_of(load(other, monkeypatch).Constants)
    assert len({*before, jit.cache_folder()}) == 3
    other.write_text(RULE.format(imported="", error="3.0"))
    after = folder_of(load(one, monkeypatch).Constants), folder_of(load(other, monkeypatch).Constants)
    assert after[0] == before[0] and after[1] not in before


@needs_jit
def test_code_for_a_rule_is_kept_and_none_of_it_with_that_of_other_rules(cache, tmp_path, monkeypatch):
    path = tmp_path / "kept_rule.py"
    path.write_text(RULE.format(imported="", error="2.0"))
    rule = load(path, monkeypatch)
    own = small_core()._net.layers[0].own
    for hits in (0, 1):
        twin = jit.specialised(_errors, *code_of(rule.Constants))
        twin(rule.Constants(1.0), own)
        assert sum(twin._entry.stats.cache_hits.values()) == hits
    # An index names the classes of arguments: one that is gone would be missed by all who read it.
    named = [index for index in cache.rglob("*.nbi") if b"kept_rule" in index.read_bytes()]
    assert named and all(twin._folder in index.parents for index in named)
    assert not any(b"kept_rule" in index.read_bytes() for index in train_chunk._folder.rglob("*.nbi"))


def typed(**changes):
    """Return what a notebook holds after a cell with a rule was run in it."""
    made = {"__name__": "__main__"}
    run_cell(made, **changes)
    return made


def run_cell(made, imported="", error="2.0"):
    exec(RULE.format(imported=imported, error=error), made)


KERNEL = """
@kernel
def errors(rule, own):
    for i in range(own.n):
        own.error[i] = {error}


register_rule(Constants, errors)
"""


@needs_jit
def test_two_rules_of_one_name_are_two():
    one, other = typed(error="2.0"), typed(error="3.0")
    assert [error_of(made["Constants"]) for made in (one, other, one)] == [2.0, 3.0, 2.0]
    assert trained_bias(one["Rule"]()) == pytest.approx(2.0)
    assert trained_bias(other["Rule"]()) == pytest.approx(3.0)


@needs_jit
def test_a_rule_whose_kernel_was_edited_and_registered_again_runs_as_it_is_now():
    made = typed(error="2.0")
    before = made["Constants"]
    assert error_of(before) == 2.0
    for error in (5.0, 2.0):
        exec(KERNEL.format(error=error), made)
        assert made["Constants"] is before
        assert error_of(before) == error
    exec(KERNEL.format(error="own.n_pre + 5.0"), made)
    assert trained_bias(made["Rule"]()) == pytest.approx(6.0)


@needs_jit
@pytest.mark.parametrize(
    "part, error",
    [
        ("FACTOR = {}", "FACTOR"),
        ("FACTORS = (1.0, {})", "FACTORS[1]"),
        ("import numpy as np\nFACTORS = np.array([1.0, {}])", "FACTORS[1]"),
        ("import types\nfactors = types.ModuleType('factors')\nfactors.FACTOR = {}", "factors.FACTOR"),
        ("from spikelearn.core.jit import inlined\n@inlined\ndef factor():\n    return {}", "factor()"),
        ("FACTOR = {}\n@kernel\ndef factor():\n    return FACTOR", "factor()"),
        ("FACTOR = {}\n@kernel\ndef factor(own, value=FACTOR):\n    return value", "factor(own)"),
    ],
    ids=["number", "tuple", "array", "module", "kernel", "of a kernel", "default"],
)
def test_a_rule_takes_what_it_names_as_it_is_now(part, error):
    made = typed()
    exec(part.format(2.0), made)
    exec(KERNEL.format(error=error), made)
    for value in (2.0, 3.0, 2.0):
        exec(part.format(value), made)
        assert error_of(made["Constants"]) == value


@needs_jit
def test_a_cell_that_is_run_again_as_it_was_compiles_nothing():
    made = typed(error="4.0 + 7.0")
    run, _ = with_code(_errors, made["Constants"](1.0))
    before = made["Constants"]
    run_cell(made, error="4.0 + 7.0")
    assert made["Constants"] is not before
    again, (present,) = with_code(_errors, made["Constants"](1.0))
    assert again is run and type(present) is before


@needs_jit
def test_a_kernel_called_from_python_takes_what_it_names_as_it_is_now():
    made = {"FACTOR": 2.0, "__name__": "__main__"}
    exec("from spikelearn.core.jit import kernel\n@kernel\ndef times(x):\n    return FACTOR * x", made)
    assert made["times"](3.0) == 6.0
    made["FACTOR"] = 5.0
    assert made["times"](3.0) == 15.0


@needs_jit
def test_a_file_that_was_edited_after_it_was_imported_does_not_name_what_runs(cache, tmp_path, monkeypatch):
    """Otherwise the next process, which reads the new file, would find the code of the old one."""
    path = tmp_path / "edited_rule.py"
    path.write_text(RULE.format(imported="", error="2.0"))
    loaded = load(path, monkeypatch)
    path.write_text(RULE.format(imported="", error="3.0"))
    assert error_of(loaded.Constants) == 2.0
    assert error_of(load(path, monkeypatch).Constants) == 3.0


@needs_jit
def test_code_that_two_processes_kept_is_told_apart_by_a_third(cache, tmp_path, monkeypatch):
    """Machine code is found by its name, in which a class is no more than its name; each process counts from 1."""
    names = []
    for name, error in (("first_rule", "2.0"), ("second_rule", "3.0")):
        (tmp_path / f"{name}.py").write_text(RULE.format(imported="", error=error))
        twin = jit.specialised(_errors, *code_of(load(tmp_path / f"{name}.py", monkeypatch).Constants))
        names.append(twin.py_func.__qualname__)
        assert twin.py_func.__name__ == "_errors"
    assert len(set(names)) == 2


def test_what_a_function_is_made_of_is_in_its_content():
    def made(source, **names):
        exec(source, names)
        return identity.content(names["f"]).digest

    plain = made("def f(x): return x")
    assert plain == made("\n\ndef f(x): return x  # elsewhere")
    others = ["def f(x): return x + 1", "def f(y): return y", "def f(x, y=1): return x", "def f(x): return (x, 'a')"]
    assert len({plain, *map(made, others)}) == 5
    assert made("def f(x): return x + A", A=1) != made("def f(x): return x + A", A=1.0)
    assert made("def f(x): return x + A", A=1, B=1) == made("def f(x): return x + A", A=1, B=2)
    assert made("def f(x): return (lambda: A)()", A=1) != made("def f(x): return (lambda: A)()", A=2)
    assert made("def f(x): return A", A=(1, (2,))) != made("def f(x): return A", A=(1, (3,)))
    assert made("def f(x): return A", A=object()) != made("def f(x): return A", A=object())
    assert made("def g():\n  a = 1\n  return lambda x: x + a\nf = g()") != made(
        "def g():\n  a = 2\n  return lambda x: x + a\nf = g()"
    )


def test_functions_that_call_each_other_have_a_content():
    names = {}
    exec("def f(x): return g(x)\ndef g(x): return f(x)", names)
    assert identity.content(names["f"]).digest == identity.content(names["f"]).digest


@needs_jit
@pytest.mark.parametrize("where", ["in a function", "typed", "in the program"])
def test_code_for_a_rule_that_other_processes_do_not_find_is_not_kept(cache, tmp_path, where):
    made = {"__name__": "__main__" if where == "in the program" else "typed"}
    source = RULE.format(imported="", error="2.0")
    if where == "in a function":
        indented = source.replace("\n", "\n    ")
        source = f"def make():{indented}\n    return Constants\n"
    path = tmp_path / "rule.py"
    if where != "typed":
        path.write_text(source)
    exec(compile(source, path, "exec"), made)
    constants = made["make"]() if where == "in a function" else made["Constants"]
    assert folder_of(constants) is None
    assert error_of(constants) == 2.0


@needs_jit
def test_a_kernel_that_is_not_of_the_core_is_not_kept_by_itself():
    """It may call others, in other files."""
    assert train_chunk._folder.is_dir()
    assert code_of(type(sl.Plateau().constants()))[1]._folder is None


@needs_jit
def test_where_no_folder_can_be_made_nothing_is_kept(tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file")
    monkeypatch.setattr(keeping.platformdirs, "user_cache_path", lambda name: tmp_path / "cache")
    keeping.say_once.cache_clear()
    with pytest.warns(RuntimeWarning, match="compiled code cannot be kept in .*set NUMBA_CACHE_DIR"):
        assert jit.cache_folder.__wrapped__() is None


# -- an engine of one's own -------------------------------------------------------------------------------------------

FACTOR = 1.0
Steady = record(namedtuple("Steady", rates.Rates._fields))


@kernel
def present_scaled(model, inputs, layers, trial, intensity):
    """As the rates engine does, with potentials of the outputs times a number."""
    done = rates.present(model, inputs, layers, trial, intensity)
    output = layers[len(layers) - 1]
    for i in range(output.n):
        output.own.v_forward[i] *= FACTOR
    return done


class SteadyCore(RatesCore):
    def _build(self, model, works, weights):
        super()._build(Steady(*model), works, weights)


@needs_jit
def test_an_engine_that_was_changed_is_compiled_anew(monkeypatch):
    trial.register_engine(
        Steady,
        SimpleNamespace(present=present_scaled, remember_all=rates.remember_all, count_spikes=rates.count_spikes),
    )
    network = sl.Network(sizes=(4, 3, 2))
    x, y = np.full((1, 4), 0.5, np.float32), np.array([0])

    def potentials():
        core = SteadyCore(sl.Rates(), network, network.draw_weights(1))
        return core.train(x, y, seed=1, first_example=0, learning_rates=(0, 0), rule=sl.Plateau()).v_output

    once = potentials()
    usual = sl.Rates().build(network, network.draw_weights(1))
    np.testing.assert_array_equal(
        once, usual.train(x, y, seed=1, first_example=0, learning_rates=(0, 0), rule=sl.Plateau()).v_output
    )
    monkeypatch.setitem(globals(), "FACTOR", 2.0)
    np.testing.assert_array_equal(potentials(), 2 * once)
