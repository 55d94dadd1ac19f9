"""What the pages of docs/ show runs as it stands there, from Python and from the command line."""

import importlib
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import needs_jit

import spikelearn as sl

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted(DOCS.glob("*.md"))
EXTRAS = {"brian2": "brian2", "page": "bokeh"}  # what a page needs, and the extra of the page's name brings


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


@needs_jit
@pytest.mark.filterwarnings("ignore::DeprecationWarning:(brian2|pyparsing)")  # the grammar of Brian2 2.9
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_runs_from_top_to_bottom(page, tmp_path, capsys, forgotten, monkeypatch):
    library = EXTRAS.get(page.stem)
    if library is not None and importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed: pip install 'spikelearn[{page.stem}]'")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    names = {"__name__": page.stem}
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
    if page.stem == "credit_through_time":
        exact, control, own = (float(line.split()[1]) for line in said.splitlines())
        assert 0.45 < exact < control - 0.005 < 0.52 and own < 0.53
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


def test_every_page_is_found_from_the_readme():
    readme = (DOCS.parent / "README.md").read_text()
    assert PAGES
    for page in PAGES:
        assert f"docs/{page.name}" in readme
