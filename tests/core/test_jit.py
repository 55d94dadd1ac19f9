"""The cache of compiled code: it is used, and never stale."""

import importlib.util
import sys

import numpy as np
import pytest
from conftest import needs_jit

import spikelearn as sl
from spikelearn.core import jit
from spikelearn.core.learn import Silent
from spikelearn.core.trial import train_chunk
from spikelearn.engines import Clock

RULE = """
from typing import NamedTuple

from spikelearn.core.jit import kernel
from spikelearn.core.learn import register_rule
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
    """Compile into a folder of its own, and read all files anew whenever they are asked for."""
    monkeypatch.setattr(jit.platformdirs, "user_cache_path", lambda name: tmp_path / "cache")
    folder, specialised = jit.cache_folder.__wrapped__, jit.specialised.__wrapped__
    monkeypatch.setattr(jit, "cache_folder", folder)
    monkeypatch.setattr(jit, "specialised", specialised)
    monkeypatch.setattr("spikelearn.engines.base.specialised", specialised)
    return tmp_path / "cache"


def load(path, monkeypatch):
    """Import a file, again if need be, as a new process would."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, path.stem, module)
    spec.loader.exec_module(module)
    return module


def trained_bias(rule):
    """Return the bias of an output after an example with errors that are all alike."""
    network = sl.Network(sizes=(1, 1), phases=sl.Phases(minimum=2.0, settle=0.0))
    core = Clock(dtype="float64").build(network, network.draw_weights(1))
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


def folder_of(constants):
    """Return the folder of the twin of the training loop for a rule."""
    return jit.specialised(train_chunk, constants, Silent)._folder


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
    assert jit.cache_folder() == before[0].parent / jit.cache_folder().name


@needs_jit
def test_code_for_a_rule_is_kept_and_none_of_it_in_the_folder_of_the_core(cache, tmp_path, monkeypatch):
    path = tmp_path / "kept_rule.py"
    path.write_text(RULE.format(imported="", error="2.0"))
    rule = load(path, monkeypatch)
    monkeypatch.setattr("spikelearn.engines.base.specialised", lambda *args: twin)
    for hits in (0, 1):
        twin = jit.specialised(train_chunk, rule.Constants, Silent)
        trained_bias(rule.Rule())
        assert sum(twin._entry.stats.cache_hits.values()) == hits
    # An index names the classes of arguments: one that is gone would be missed by all who read it.
    for folder, named in ((cache, True), (train_chunk._folder, False)):
        assert any(b"kept_rule" in index.read_bytes() for index in folder.rglob("*.nbi")) == named


@needs_jit
def test_code_for_a_rule_that_other_processes_do_not_find_is_not_kept(cache):
    class Local:
        """A class without a name outside of this test."""

    exec("class Typed: pass", typed := {"__name__": "__main__"})
    for constants in (Local, typed["Typed"]):
        assert folder_of(constants) is None


@needs_jit
def test_of_the_core_a_kernel_lies_in_the_folder_of_the_core():
    assert train_chunk._folder == jit.cache_folder()
    assert folder_of(Silent).parent == jit.cache_folder().parent
