"""The bits that come out of a simulation are those of a table."""

import json
import math
import os
import platform
import subprocess
import sys
from pathlib import Path

import digests
import pytest
from conftest import INTERPRETED

from spikelearn.core.lanes import LANES

TABLE = json.loads(digests.TABLE.read_text())
THERE = platform.machine() == "x86_64" and platform.libc_ver()[0] == "glibc"  # where the table was made

REMEDY = """
Whoever wanted to change speed or code only has changed what is computed: find out where.
Where other results are meant (other arithmetic, other draws), make the table anew by `python tests/digests.py` and say
so in CHANGELOG.md. Where it fails without any change, it is the libraries: the C library's exponentials and logarithms,
which differ between versions and on processors without FMA, or NumPy's random numbers.
"""


@pytest.mark.skipif(not THERE, reason="the table is that of x86-64 with glibc; libraries round differently")
@pytest.mark.skipif(INTERPRETED, reason="interpreted, what is multiplied and added is rounded twice")
@pytest.mark.parametrize("name", digests.CASES)
def test_the_bits_are_those_of_the_table(name):
    found, wanted = digests.digests(digests.CASES[name]), TABLE[name]
    different = [part for part in found if found[part] != wanted[part]]
    assert not different, f"{name}: {', '.join(different)} not as in tests/digests.json\n{REMEDY}"


FEWER = """
import sys; sys.path.insert(0, sys.argv[1])
import json, digests
from spikelearn.core.lanes import LANES
assert LANES == 32
print(json.dumps({name: digests.digests(digests.CASES[name]) for name in sys.argv[2:]}))
"""


@pytest.mark.skipif(not THERE, reason="the table is that of x86-64 with glibc; libraries round differently")
@pytest.mark.skipif(INTERPRETED, reason="interpreted, what is multiplied and added is rounded twice")
@pytest.mark.skipif(LANES == 32, reason="the table is compared with 32 lanes as it is")
def test_on_a_processor_with_half_as_many_lanes_the_bits_are_the_same():
    """Both with layers of several groups of neurons, and of one kind, so that one compilation does for them."""
    names = ["clock float32 released two hidden layers", "clock float32 text feedback from above, g_apical=0.05"]
    done = subprocess.run(
        [sys.executable, "-c", FEWER, str(Path(__file__).parent), *names],
        capture_output=True, text=True, env=os.environ | {"NUMBA_CPU_NAME": "haswell"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {name: TABLE[name] for name in names}


@pytest.mark.skipif(not THERE, reason="the table is that of x86-64 with glibc; libraries round differently")
@pytest.mark.skipif(INTERPRETED, reason="interpreted, what is multiplied and added is rounded twice")
@pytest.mark.parametrize("engine", ["event", "clock"])
def test_the_bits_do_not_depend_on_how_python_adds(engine, monkeypatch):
    """From Python 3.12 on ``sum`` compensates for the rounding of floats; here it does in all that prepares a core."""

    def compensated(values, start=0):
        values = list(values)
        return math.fsum(values) + start if any(isinstance(value, float) for value in values) else sum(values, start)

    for name, module in list(sys.modules.items()):
        if name.startswith("spikelearn") and not name.startswith("spikelearn.core"):
            monkeypatch.setattr(module, "sum", compensated, raising=False)
    name = f"{engine} float64 text given input spikes"
    assert digests.digests(digests.CASES[name]) == TABLE[name]


def test_the_table_holds_all_cases_and_no_other():
    assert list(TABLE) == list(digests.CASES)


@pytest.mark.parametrize("name", [name for name in digests.CASES if name.endswith(", watched")])
def test_in_the_table_watching_changes_no_bit(name):
    alone = TABLE[name.removesuffix(", watched")]
    assert TABLE[name] == alone | {"trace": TABLE[name]["trace"]}
