"""What a user gets from the wheel: the package and the published networks, without the checkout."""

import os
import re
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_wheel_trains_a_published_network_outside_the_checkout(tmp_path):
    # The source distribution's files only: a build in the checkout would leave folders behind and see stray ones.
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    for package in ("spikelearn", "models"):
        (tmp_path / package).symlink_to(ROOT / package)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wheels, site = tmp_path / "wheels", tmp_path / "site"
    quiet = {"cwd": tmp_path, "check": True, "capture_output": True}
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(wheels), "."], **quiet)
    (wheel,) = wheels.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", str(site), str(wheel)], **quiet)
    held = {path.name for path in (ROOT / "spikelearn" / "pages").iterdir() if path.is_file()}
    assert held <= {path.name for path in (site / "spikelearn" / "pages").iterdir()}  # with template and style
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "spikelearn", "train", "one-hidden", "--hidden", "8", "--examples", "30",
         "--epochs", "1", "--data", "digits", "--out", "run"],
        cwd=elsewhere, env=os.environ | {"PYTHONPATH": str(site)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (elsewhere / "run" / "learning_curve.png").exists()
    where = subprocess.run(
        [sys.executable, "-c", "import spikelearn, spikelearn.models as m; print(spikelearn.__file__, m.__file__)"],
        cwd=elsewhere, env=os.environ | {"PYTHONPATH": str(site)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert all(str(site) in path for path in where.stdout.split())


def test_what_is_cited_has_the_version_that_is_released():
    metadata = ConfigParser()
    metadata.read(ROOT / "setup.cfg")
    assert (
        re.search(r"^version: (.*)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)[1]
        == metadata["metadata"]["version"]
    )
