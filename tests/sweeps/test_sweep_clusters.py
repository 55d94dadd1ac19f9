"""The same sweep by others' executors: Dask's on this machine, submitit's local one, and a SLURM of three scripts."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import needs_jit

import spikelearn as sl
from spikelearn import clusters
from spikelearn.cli import main
from spikelearn.errors import InputError
from sweeps.conftest import measured, runs_in, toml
from sweeps.test_sweep_runs import LONG, begun, holds

pytestmark = needs_jit


@pytest.fixture(scope="module")
def whole(source, tmp_path_factory):
    """A description of two runs that take seconds, and what they come to here."""
    described = {
        "network": "one-hidden", "data": source, "hidden": [300], "engine": "clock", "epochs": LONG, "seeds": 2,
    }  # fmt: skip
    out = tmp_path_factory.mktemp("whole")
    return described, sl.sweep(described, out, jobs=2), runs_in(out)


# -- Dask -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def scheduler(tmp_path):
    """The address of a scheduler with two workers, processes of their own, and these."""
    pytest.importorskip("distributed")
    environment = os.environ | {"PYTHONPATH": str(Path(sl.__file__).parents[1])}
    started = []

    def start(*order):
        log = open(tmp_path / f"dask{len(started)}.log", "w")
        command = [sys.executable, "-m", *order]
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path, env=environment)
        started.append((process, log))
        return process

    try:
        start("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        address = said(tmp_path / "dask0.log", r"Scheduler at:\s+(tcp://\S+)")
        options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"]
        workers = [start("distributed.cli.dask_worker", address, *options) for _ in range(2)]
        for k in (1, 2):
            said(tmp_path / f"dask{k}.log", r"Registered to:\s+(\S+)")
        yield address, workers
    finally:
        for process, log in reversed(started):
            process.kill()
            process.wait()
            log.close()


def said(path, pattern):
    """Wait for what a process says; return the part of it that is asked for."""
    until = time.monotonic() + 60
    while not (found := re.search(pattern, path.read_text() if path.exists() else "")):
        assert time.monotonic() < until, path.read_text()
        time.sleep(0.05)
    return found[1]


def test_dask_comes_to_the_same_with_a_worker_killed_in_the_middle(whole, scheduler, tmp_path, capfd):
    described, rows, bits = whole
    address, workers = scheduler
    out, file = tmp_path / "out", toml(tmp_path / "long.toml", described)
    killed = []

    def kill():
        begun(out)
        victim = next(worker for worker in workers if holds(worker.pid, out / "runs" / "run-2"))
        victim.send_signal(signal.SIGKILL)
        killed.append(victim)

    killer = threading.Thread(target=kill)
    killer.start()
    status = main(["sweep", str(file), "--out", str(out), "--dask", address, "--json"])
    killer.join()
    assert status == 0 and killed
    assert runs_in(out) == bits
    environment = sl.storage.RunFolder.open(out / "runs" / "run-2").environment()
    assert len(environment["resumed"]) == 1
    assert measured(sl.sweep(described, out)) == measured(rows)


def test_an_address_where_nobody_listens_is_refused_after_a_while(grid, tmp_path, capfd, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(clusters, "PATIENCE", 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    status = main(["sweep", str(toml(tmp_path / "g.toml", grid)), "--out", str(tmp_path / "out"), "--dask", address])
    err = capfd.readouterr().err
    assert status == 2 and err.startswith(f"spikelearn: error: no scheduler of Dask answers at '{address}'")
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_an_address_that_is_none_is_refused(grid, tmp_path):
    pytest.importorskip("distributed")
    with pytest.raises(InputError, match="no scheduler of Dask answers at 'nowhere://'"), clusters.dask("nowhere://"):
        pass


# -- submitit ---------------------------------------------------------------------------------------------------------


def test_submitits_local_executor_comes_to_the_same(whole, tmp_path):
    submitit = pytest.importorskip("submitit")
    described, rows, bits = whole
    executor = submitit.LocalExecutor(tmp_path / "jobs")
    assert measured(sl.sweep(described, tmp_path / "out", executor=executor)) == measured(rows)
    assert runs_in(tmp_path / "out") == bits


def test_a_job_that_is_killed_is_handed_over_once_more(whole, tmp_path, monkeypatch):
    submitit = pytest.importorskip("submitit")
    monkeypatch.setattr(submitit.Job, "_results_timeout_s", 0)
    described, rows, bits = whole

    class Deadly(submitit.LocalExecutor):
        jobs = []

        def submit(self, fn, *args, **kwargs):
            job = super().submit(fn, *args, **kwargs)
            self.jobs.append(job)
            if len(self.jobs) == 1:
                threading.Thread(target=self.kill, args=(job,)).start()
            return job

        def kill(self, job):
            begun(tmp_path / "out", [1])
            os.killpg(os.getpgid(job._process.pid), signal.SIGKILL)

    # In a group of its own, so that the group can be killed: the job and what started it.
    executor = Deadly(tmp_path / "jobs")
    monkeypatch.setattr(subprocess, "Popen", in_a_group(subprocess.Popen))
    assert measured(sl.sweep(described, tmp_path / "out", executor=executor)) == measured(rows)
    assert len(executor.jobs) == 3
    assert runs_in(tmp_path / "out") == bits


def in_a_group(popen):
    return lambda *args, **kwargs: popen(*args, **kwargs | {"start_new_session": True})


SBATCH = """#!{python}
import os, subprocess, sys
text = open(sys.argv[-1]).read()
number = str(100 + len(os.listdir({folder!r})))
script = os.path.join({folder!r}, number)
with open(script, "w") as file:
    file.write(text)
job = {{"SLURM_JOB_ID": number, "SLURM_NTASKS": "1", "SLURM_JOB_NUM_NODES": "1", "SLURM_JOB_NODELIST": "here",
       "SLURM_NODEID": "0", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"}}
quiet = dict.fromkeys(("stdout", "stderr"), subprocess.DEVNULL)
subprocess.Popen(["bash", script], env=os.environ | job, start_new_session=True, **quiet)
print("Submitted batch job " + number)
"""
SRUN = """#!{python}
import os, sys
command = sys.argv[1:]
while command[0].startswith("-"):
    if command.pop(0) in ("--output", "--error"):
        command.pop(0)
os.execvp(command[0], command)
"""
SACCT = """#!{python}
print("JobID|State|NodeList")
"""


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Scripts in place of SLURM's commands; return the folder of what was handed to them."""
    pytest.importorskip("submitit")
    commands, handed = tmp_path / "bin", tmp_path / "handed"
    commands.mkdir()
    handed.mkdir()
    for name, text in {"sbatch": SBATCH, "srun": SRUN, "sacct": SACCT}.items():
        path = commands / name
        path.write_text(text.format(python=sys.executable, folder=str(handed)))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    return handed


def test_slurm_gets_a_job_for_each_run_with_what_the_file_asks_for(whole, slurm, tmp_path, capfd):
    described, rows, bits = whole
    asked = {"slurm": {"timeout_min": 7, "mem_gb": 2, "slurm_partition": "quick", "at_once": 1}}
    file = toml(tmp_path / "long.toml", described | asked)
    assert main(["sweep", str(file), "--out", str(tmp_path / "out"), "--slurm", "--json"]) == 0
    assert runs_in(tmp_path / "out") == bits
    handed = [path.read_text() for path in slurm.iterdir()]
    assert len(handed) == 2
    for text in handed:
        for option in ("--time=7", "--mem=2GB", "--partition=quick"):
            assert f"#SBATCH {option}\n" in text


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ({}, "how long a run may take is not said; write [slurm] and below it timeout_min = 600, say"),
        ({"timeout_min": 5, "partition": "x"}, "partition"),
        ({"timeout_min": 5, "at_once": 0}, "slurm.at_once=0 must be an integer >= 1"),
    ],
)
def test_what_slurm_cannot_be_asked_for_is_refused(grid, slurm, tmp_path, capfd, asked, part):
    file = toml(tmp_path / "g.toml", grid | {"slurm": asked})
    assert main(["sweep", str(file), "--out", str(tmp_path / "out"), "--slurm"]) == 2
    err = capfd.readouterr().err
    assert err.count("\n") == 1 and part in err
    assert not list(slurm.iterdir())


def test_where_there_is_no_slurm_it_says_so(grid, tmp_path, capfd, monkeypatch):
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["sweep", str(toml(tmp_path / "g.toml", grid)), "--out", str(tmp_path / "out"), "--slurm"]) == 2
    assert "SLURM is not here: there is no command sbatch" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("order", "name", "extra"),
    [
        (["sweep", "--dask", "tcp://127.0.0.1:1"], "distributed", "cluster"),
        (["sweep", "--slurm"], "submitit", "cluster"),
        (["search", "--trials", "1"], "optuna", "search"),
    ],
)
def test_a_library_that_is_not_installed_is_named_with_the_command_that_installs_it(
    grid, tmp_path, capfd, monkeypatch, order, name, extra
):
    monkeypatch.setitem(sys.modules, name, None)
    described = grid if order[0] == "sweep" else {**grid, "grid": {}, "search": {"g_apical": [0.0, 0.1]}}
    file, out = toml(tmp_path / "g.toml", described), tmp_path / "out"
    assert main([order[0], str(file), "--out", str(out), *order[1:]]) == 2
    wanted = f"spikelearn: error: {name} is not installed; pip install 'spikelearn[{extra}]'\n"
    assert capfd.readouterr().err == wanted and not out.exists()
