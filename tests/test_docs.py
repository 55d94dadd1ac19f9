"""What the pages of docs/ show runs as it stands there, from Python and from the command line."""

import ast
import importlib
import importlib.util
import itertools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import needs_jit

import spikelearn as sl

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
WITH_CODE = [page for page in PAGES if re.search(r"```(python|console)\n", page.read_text())]
TUTORIALS = sorted((DOCS / "tutorials").glob("*.py"))
INTERFACE = (
    "spikelearn", "spikelearn.analysis", "spikelearn.plotting", "spikelearn.ratenet", "spikelearn.ratenet.rules",
    "spikelearn.temporal", "spikelearn.temporal.rules", "spikelearn.temporal.tasks",
)  # fmt: skip


NEEDED = {"brian2": "brian2", "sweeps": "optuna", "page": "bokeh"}  # libraries of extras


def need(name):
    """Skip what needs a library that is not there."""
    if name in NEEDED and importlib.util.find_spec(NEEDED[name]) is None:
        pytest.skip(f"{NEEDED[name]} is not installed: pip install 'spikelearn[test]'")


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


@needs_jit
@pytest.mark.filterwarnings("ignore::DeprecationWarning:(brian2|pyparsing)")  # the grammar of Brian2 2.9
@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.stem)
def test_a_page_runs_from_top_to_bottom(page, tmp_path, capsys, forgotten, monkeypatch):
    need(page.stem)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    names = {"__name__": page.stem}
    for block in blocks(page, "toml"):
        if path := re.match(r"# (\w+\.toml)\n", block):
            (tmp_path / path[1]).write_text(block)
    for block in blocks(page, "python"):
        path = re.match(r"# (\w+\.py)\n", block)
        if path:  # imported, as the commands below import it: what is compiled for it is kept for them
            (tmp_path / path[1]).write_text(block)
            assert (
                len([line for line in block.splitlines()[1:] if line and not line.startswith(("import", "from"))]) <= 30
            )
            names |= vars(importlib.import_module(path[1].removesuffix(".py"))) | {"__name__": page.stem}
            continue
        exec(compile(block, str(page), "exec"), names)
    said = capsys.readouterr().out
    if page.stem == "own_rule":
        assert float(said.strip(" []\n")) < 30
    if page.stem == "own_neuron":
        error, values = said.splitlines()
        assert float(error.strip(" []")) < 30 and values == "[0.  0.5 0.8]"
    if page.stem == "own_feedback":
        assert said == "True\n"
    if page.stem == "input_and_output":
        shapes, error, _ = said.splitlines()
        assert shapes.startswith("(1, 360) (1, 360, 20) 0.") and float(error.strip(" []")) < 5
    if page.stem == "scikit_learn":
        score, best = said.splitlines()
        assert float(score) >= 0.94 and best.startswith("{'segregateddendriteclassifier__feedback': ")
    if page.stem == "data":
        assert said == "5000 1000 4 3\n0.0 1.0\n"
    if page.stem == "credit_through_time":
        exact, control, own = (float(line.split()[1]) for line in said.splitlines())
        assert 0.45 < exact < control - 0.005 < 0.52 and own < 0.53
    if page.stem == "sweeps":
        rows = [line.split() for line in said.splitlines()]
        assert [row[0].rpartition("learning_rates.1=")[2] for row in rows] == ["0.1", "0.2"] * 2
        assert all(row[1] == "1" and 0 < float(row[2]) < 100 for row in rows)
    if page.stem == "brian2":
        assert "dv/dt = g_basal*(v_basal - v) + g_apical*(v_apical - v)" in said and said.endswith("True\n")
    # PYTHONPATH: the package may not be installed, but found from where the tests are started
    environment = os.environ | {"PYTHONPATH": str(Path(sl.__file__).parents[1])}
    for order in "".join(blocks(page, "console")).splitlines():
        command = [sys.executable, "-m", *order.split()]
        ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr
    if page.stem == "page":
        assert all("<h1>" in (tmp_path / name).read_text() for name in ("digits.html", "trial.html"))


@needs_jit
@pytest.mark.parametrize("name", ["spikelearn", "spikelearn.ratenet", "spikelearn.temporal"])
def test_what_a_docstring_shows_runs(name, capsys):
    lines = importlib.import_module(name).__doc__.partition("::\n")[2].splitlines()
    block = "\n".join(line[4:] for line in itertools.takewhile(lambda line: not line or line.startswith("    "), lines))
    exec(compile(block, name, "exec"), {})
    assert capsys.readouterr().out


@needs_jit
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("tutorial", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_runs(tutorial):
    need(tutorial.stem[3:])
    environment = os.environ | {"PYTHONPATH": str(Path(sl.__file__).parents[1]), "MPLBACKEND": "agg"}
    command = [sys.executable, tutorial.name]
    ended = subprocess.run(command, cwd=tutorial.parent, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.skipif(importlib.util.find_spec("sphinx") is None, reason="pip install 'spikelearn[docs]'")
def test_the_pages_are_built_without_a_warning(tmp_path):
    """Their tutorials are not run for it: they are run above."""
    environment = os.environ | {"PYTHONPATH": str(Path(sl.__file__).parents[1]), "DOCS_RUN": "0"}
    copy = tmp_path / "repository"  # what is built lies beside its sources in part
    copy.mkdir()
    for name in ("docs", "figures", "experiments"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("_build", "api", "gallery", "*.pdf"))
    for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "CITATION.cff"):
        shutil.copy(ROOT / name, copy)
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "docs", "built"]
    ended = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert (copy / "built" / "gallery" / "01_first_network.html").is_file()


def test_every_link_to_a_file_leads_to_one():
    for page in [*PAGES, *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "figures/README.md"))]:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
            made = target.startswith("gallery/")  # by the build
            assert made or "://" in target or (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_code_that_equations_name_is_there():
    text = (DOCS / "equations.md").read_text()
    named = re.findall(r"`((?:spikelearn|models)/[\w/]+\.py): ([\w.]+)`", text)
    assert len(named) > 20
    for path, name in named:
        tree = ast.parse((ROOT / path).read_text())
        for part in name.split("."):
            tree = next(node for node in tree.body if getattr(node, "name", None) == part)


@pytest.mark.parametrize("name", INTERFACE)
def test_the_interface_lists_every_public_name(name):
    groups = re.findall(r"currentmodule:: (\S+)\n(.*?)```", (DOCS / "api.md").read_text(), re.DOTALL)
    listed = [each for where, text in groups if where == name for each in re.findall(r"^   (\w+)$", text, re.MULTILINE)]
    module = importlib.import_module(name)
    assert sorted(listed) == sorted(
        each for each in module.__all__ if callable(getattr(module, each)) or isinstance(getattr(module, each), float)
    )
