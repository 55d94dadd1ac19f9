"""What the README shows runs as it stands there."""

import re
from pathlib import Path

README = (Path(__file__).parent.parent / "README.md").read_text()


def test_the_ten_lines_run_and_learn(capsys):
    (script,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(script, "README.md", "exec"), {})
    last = capsys.readouterr().out.splitlines()[-1]
    assert float(re.fullmatch(r"test error (.*) %", last)[1]) < 40


def test_the_map_names_what_is_there():
    (layout,) = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
    root = Path(__file__).parent.parent
    for name in re.findall(r"(\w+\.py)", layout):
        assert list(root.glob(f"**/{name}")), name
    core = re.search(r"core/.*?\n(.*?)models/", layout, re.DOTALL)[1]
    for name in re.findall(r"^    (\w+)", core, re.MULTILINE):
        assert (root / "spikelearn" / "core" / f"{name}.py").exists(), name
