"""The public API is documented: parameters, shapes, units, errors and sources, in plain words and without exception."""

import ast
import importlib
import inspect
import re
import sys

import docstrings
import numpy as np
import pytest

from spikelearn.errors import check_range

PUBLIC = docstrings.public()
MODULES = sorted({path.rpartition(".")[0] for path in PUBLIC})


def module_of(item):
    return item.path.rpartition(".")[0]


@pytest.mark.parametrize("place", MODULES)
def test_every_public_name_is_documented_without_exception(place):
    found = {item.path: docstrings.problems(item) for item in PUBLIC.values() if module_of(item) == place}
    assert [f"{path}: {problem}" for path, problems in found.items() for problem in problems] == []


def test_what_is_checked_holds_the_doors_of_the_package():
    for name in (
        "spikelearn.neurons.HiddenNeuron.soma_step",
        "spikelearn.feedback.KolenPollack.draw",  # of a private class that it derives from
        "spikelearn.plateaus.Plateaus.cumulative",  # a contract, which no module names
        "spikelearn.doors.estimator.SegregatedDendriteClassifier.fit",
        "spikelearn.ratenet.rule.Rule.gradients",
        "spikelearn.temporal.tasks.add.Add.optimum",
        "spikelearn.models.guerguiev2017.one_hidden",
    ):
        assert name in PUBLIC


def test_all_that_the_page_of_the_interface_lists_is_checked():
    page, listed = (docstrings.ROOT.parent / "docs" / "api.md").read_text(), []
    for module, names in re.findall(r"currentmodule:: (\S+)\n.*?:nosignatures:\n\n(.*?)```", page, re.DOTALL):
        for name in names.split():
            found = importlib.import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
            listed.append((f"{module}.{name}", found))
    assert len(listed) > 100
    checked = {id(item.what) for item in PUBLIC.values()}
    assert [name for name, found in listed if callable(found) and id(found) not in checked] == []


# -- the checks can fail ----------------------------------------------------------------------------------------------


def undocumented(rate): ...


def halve(duration: float, weights: np.ndarray) -> np.ndarray:
    """Return half of it.

    Parameters
    ----------
    duration : float
        Length of the trial, ms.
    weights : (n,) array
        Weights.

    Returns
    -------
    (n,) array
        Half of them.

    Raises
    ------
    InputError
        Never.
    """
    return weights / 2


def without_a_parameter(rate: float) -> None:
    """Set the rate."""


def with_a_parameter_too_many() -> None:
    """Set the rate.

    Parameters
    ----------
    rate : float
        Rate, spikes/ms.
    """


def without_what_comes_back() -> float:
    """Return the rate."""


def without_a_shape(weights: np.ndarray) -> None:
    """Set the weights.

    Parameters
    ----------
    weights : array
        Weights.
    """


def without_the_shape_of_what_comes_back() -> np.ndarray:
    """Return the weights.

    Returns
    -------
    Weights
        Weights.
    """


def without_a_unit(duration: float) -> None:
    """Set the length.

    Parameters
    ----------
    duration : float
        Length of the trial.
    """


def without_the_error_that_it_raises(n: int) -> None:
    """Check a number.

    Parameters
    ----------
    n : int
        A number.
    """
    if n < 0:
        raise ValueError("negative")


def without_the_error_that_its_check_raises(n: int) -> None:
    """Check a number.

    Parameters
    ----------
    n : int
        A number.
    """
    check_range("n", n, at_least=0)


def with_a_personified_machine() -> None:
    """Send spikes that nobody hears."""


def with_a_doubled_backslash() -> None:
    r"""Compute.

    .. math:: \\tau
    """


def with_mathematics_that_does_not_render() -> None:
    r"""Compute.

    .. math:: \frac{1}{
    """


def with_mathematics_outside_of_a_formula() -> None:
    r"""Compute \tau."""


def with_a_backslash_that_python_took() -> None:
    """Compute :math:`\tau`."""


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (undocumented, "GL08"),
        (without_a_parameter, "PR01"),
        (with_a_parameter_too_many, "PR02"),
        (without_what_comes_back, "RT01"),
        (without_a_shape, "shape: weights"),
        (without_the_shape_of_what_comes_back, "shape: what is returned"),
        (without_a_unit, "unit: duration"),
        (without_the_error_that_it_raises, "errors: raises ValueError"),
        (without_the_error_that_its_check_raises, "errors: raises InputError"),
        (with_a_personified_machine, "plain words: 'nobody'"),
        (with_a_doubled_backslash, "mathematics: doubled"),
        (with_mathematics_that_does_not_render, "mathematics: "),
        (with_mathematics_outside_of_a_formula, "mathematics: \\tau stands outside"),
        (with_a_backslash_that_python_took, "mathematics: doubled backslashes, or one that was lost"),
    ],
)
def test_a_bad_docstring_is_found(function, problem):
    assert any(found.startswith(problem) for found in docstrings.problems(docstrings.Documented("", function)))


def test_a_good_docstring_is_not_found():
    assert docstrings.problems(docstrings.Documented("", halve)) == []


def test_a_short_sentence_is_enough_where_the_contract_says_the_rest_and_only_there():
    class Short:
        def halve(self, duration: float, weights: np.ndarray) -> np.ndarray:
            """Return zeros."""

    alone = docstrings.Documented("", Short.halve)
    assert {found[:4] for found in docstrings.problems(alone)} == {"PR01", "RT01"}
    assert docstrings.problems(docstrings.Documented("", Short.halve, (halve,))) == []
    assert docstrings.problems(docstrings.Documented("", Short.halve, (without_a_parameter,))) != []


def test_a_class_of_the_model_without_a_source_is_found(monkeypatch):
    class Neuron:
        """A neuron."""

    monkeypatch.setattr(Neuron, "__module__", "spikelearn.neurons")
    assert any(found.startswith("source") for found in docstrings.problems(docstrings.Documented("", Neuron)))
    Neuron.__doc__ = "A neuron (equation 1)."
    assert docstrings.problems(docstrings.Documented("", Neuron)) == []


# -- what else stands in docstrings -----------------------------------------------------------------------------------


def test_the_texts_of_all_modules_of_the_api_are_plain_and_their_mathematics_renders():
    texts = {name: sys.modules[name].__doc__ or "" for name in {item.what.__module__ for item in classes()}}
    found = {name: list(docstrings.text_problems(text)) for name, text in texts.items()}
    assert {name: problems for name, problems in found.items() if problems} == {}


def classes():
    return [item for item in PUBLIC.values() if isinstance(item.what, type) or inspect.isfunction(item.what)]


@pytest.mark.parametrize("path", sorted((docstrings.ROOT / "core").glob("*.py")), ids=lambda path: path.stem)
def test_every_array_of_a_record_of_the_core_has_a_shape(path):
    source = path.read_text()
    lines, missing = source.splitlines(), []
    for record in ast.parse(source).body:
        if not isinstance(record, ast.ClassDef) or "NamedTuple" not in map(ast.unparse, record.bases):
            continue
        for_all = re.search(r"\([\w *+,]*\)|without a shape", ast.get_docstring(record) or "")
        for field in record.body:
            if isinstance(field, ast.AnnAssign) and "ndarray" in ast.unparse(field.annotation):
                text = "\n".join(lines[field.lineno - 1 : field.end_lineno])
                if not for_all and not re.search(r"# \([^)]*\)", text):
                    missing.append(f"{record.name}.{ast.unparse(field.target)}")
    assert missing == []
