"""What the README shows runs as it stands there."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
SCRIPTS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_ten_lines_run_and_learn(capsys):
    exec(compile(SCRIPTS[0], "README.md", "exec"), {})
    last = capsys.readouterr().out.splitlines()[-1]
    assert float(re.fullmatch(r"test error (.*) %", last)[1]) < 40


def test_a_neuron_is_studied_alone(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(SCRIPTS[1], "README.md", "exec"), {})
    highest, plateau = re.fullmatch(r"(\S+) \[(\S+)\]\n", capsys.readouterr().out).groups()
    assert float(highest) > 5 and 0.5 < float(plateau) < 1
    assert (tmp_path / "neuron.png").stat().st_size > 10_000


def test_the_map_names_what_is_there():
    (layout,) = re.findall(r"```text\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    for name in re.findall(r"(\w+\.py)", layout):
        assert list(ROOT.glob(f"**/{name}")), name
    core = re.search(r"core/.*?\n(.*?)models/", layout, re.DOTALL)[1]
    for name in re.findall(r"^    (\w+)", core, re.MULTILINE):
        assert (ROOT / "spikelearn" / "core" / f"{name}.py").exists(), name
