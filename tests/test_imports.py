"""What is imported when: the package at once, its heavy parts when something of them is asked for."""

import ast
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import spikelearn as sl
from spikelearn import compare, ratenet
from spikelearn.cli import COMMANDS, options
from spikelearn.models import NETWORKS, guerguiev2017
from spikelearn.temporal import registry

HEAVY = ("numba", "scipy", "matplotlib", "sklearn", "brian2", "h5py", "joblib")


def imported(code):
    """Return which heavy modules a new process has imported after some code."""
    show = f"import sys; print([name for name in {HEAVY} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", f"{code}\n{show}"], capture_output=True, text=True, check=True)
    return ast.literal_eval(ended.stdout.splitlines()[-1])


def test_the_package_alone_imports_nothing_heavy():
    assert imported("import spikelearn, sys; assert 'numpy' not in sys.modules") == []
    assert "numba" in imported("import spikelearn as sl; sl.Network")


QUESTIONS = [
    ["info"], ["data"], ["trian"], ["train", "one-hidden", "--epoks", "3"], ["train", "one-hiden", "--out", "run"],
    ["info", "/no/run"], ["evaluate", "/no/run"], ["trace", "/no/run"], ["page", "/no/run"],
]  # fmt: skip


@pytest.mark.parametrize("arguments", QUESTIONS)
def test_a_question_and_a_mistyped_word_are_answered_without_what_is_heavy(arguments):
    assert imported(f"from spikelearn import cli; cli.main({arguments})") == []


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)])
def test_help_is_answered_without_what_is_heavy(arguments):
    ask = f"from spikelearn import cli\ntry: cli.main({arguments})\nexcept SystemExit as end: assert not end.code"
    assert imported(ask) == []


def test_each_name_comes_from_where_type_checkers_think():
    tree = ast.parse(Path(sl.__file__).read_text())
    (checked,) = (node for node in tree.body if isinstance(node, ast.If))
    found = {alias.name: node.module for node in checked.body for alias in node.names}
    assert found == {name: f"spikelearn.{module}" for name, module in sl._WHERE.items()}
    assert sorted(found) == sorted(sl.__all__)
    for name in sl.__all__:
        assert getattr(sl, name) is getattr(sys.modules[found[name]], name)
    assert {*sl.__all__, *sl.MODULES} <= set(dir(sl))
    for name in sl.MODULES:
        assert getattr(sl, name) is sys.modules[f"spikelearn.{name}"]


def test_no_name_is_that_of_a_module_which_would_hide_it():
    assert not {module.name for module in pkgutil.iter_modules(sl.__path__)} & set(sl.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = sl.trian


def test_the_names_in_help_are_those_that_are_known():
    assert options.NETWORKS == tuple(NETWORKS) and options.VARIANTS == tuple(guerguiev2017.VARIANTS)
    assert options.RULES == compare.NAMES
    assert options.ARCHITECTURES == tuple(ratenet.ARCHITECTURES)
    assert registry.KNOWN == options.RULES_IN_TIME and tuple(registry.SETTINGS) == options.TASKS
