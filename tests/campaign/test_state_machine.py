"""A run folder in the hands of somebody who trains, stops, copies, moves, edits, resumes, tests and looks at it.

Beside it stands what must be true: how far each folder has come, and what a run that was never touched had there.
"""

import functools
import json
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, rule, run_state_machine_as_test
from plan import arrived_at, sizes, write_bars

import spikelearn as sl
from spikelearn import runs
from spikelearn.models import guerguiev2017
from spikelearn.recording_file import RecordingFile

N, CHUNK, MOST = 20, 4, 4  # examples of an epoch, of a chunk; epochs at most
MODEL = guerguiev2017.one_hidden("text", n_input=9, hidden=(5,), n_output=3)


def configuration(source, epochs):
    return runs.Config(
        name="one-hidden", reading="text", model=MODEL, engine=sl.Clock(), data=source, epochs=epochs, seed=3,
        chunk_size=CHUNK,
    )  # fmt: skip


@functools.cache
def untouched(source, epochs):
    """Return what a run has arrived at after each chunk that was never stopped."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        run, found = runs.Run.start(path, configuration(source, epochs), sl.load(source)), {}

        def look(chunk):
            run.save()
            found[run.training.trials] = arrived_at(path)

        found[0] = arrived_at(path)
        run.train(look)
        found[N * epochs] = arrived_at(path)
        return found


class Folders(RuleBasedStateMachine):
    """Folders by name, each with the number of examples that its checkpoint is of, and its epochs."""

    source = ""  # set by the test
    folders = Bundle("folders")

    @initialize()
    def begin(self):
        self.place = Path(tempfile.mkdtemp())
        self.known = {}
        self.number = 0
        shutil.copy(self.source, self.place / "bars.npz")

    def teardown(self):
        if hasattr(self, "place"):
            shutil.rmtree(self.place)

    def name(self):
        self.number += 1
        return self.place / f"run{self.number}"

    def check(self, path):
        trials, epochs = self.known[path]
        assert arrived_at(path) == untouched(self.source, epochs)[trials]

    @rule(target=folders, epochs=st.integers(1, MOST))
    def start(self, epochs):
        path = self.name()
        runs.Run.start(path, configuration(self.source, epochs), sl.load(self.source))
        self.known[path] = (0, epochs)
        self.check(path)
        return path

    @rule(path=folders, chunks=st.integers(1, 12), epochs=st.none() | st.integers(1, MOST))
    def train_on(self, path, chunks, epochs):
        """Resume and train for some chunks, as though by Ctrl-C after them."""
        trials, before = self.known[path]
        if epochs is not None and trials > N * epochs:
            with pytest.raises(sl.InputError, match="more than epochs="):
                runs.Run.resume(path, epochs=epochs)
            self.check(path)
            return
        epochs = before if epochs is None else epochs
        run, left = runs.Run.resume(path, epochs=epochs), iter(range(chunks))

        def stop(chunk):
            if next(left, None) is None or (chunks_done := (run.training.trials - trials) // CHUNK) >= chunks:
                raise KeyboardInterrupt
            assert chunks_done

        try:
            run.train(stop)
        except KeyboardInterrupt:
            pass
        self.known[path] = (run.training.trials, epochs)
        self.check(path)

    @rule(path=folders)
    def train_in_vain(self, path):
        """Train and be killed before a checkpoint: what the folder holds is as before."""
        if self.known[path][0] % N + 2 * CHUNK >= N or self.known[path][0] >= N * self.known[path][1]:
            return  # an epoch ends soon, with a checkpoint

        class Killed(BaseException):
            pass

        def kill(chunk):
            raise Killed

        try:
            runs.Run.resume(path).train(kill)
        except Killed:
            pass
        self.check(path)

    @rule(target=folders, path=folders)
    def copy(self, path):
        other = self.name()
        shutil.copytree(path, other)
        self.known[other] = self.known[path]
        return other

    @rule(target=folders, path=consumes(folders))
    def move(self, path):
        other = self.name()
        path.rename(other)
        self.known[other] = self.known.pop(path)
        return other

    @rule(path=folders, key=st.sampled_from(["seed", "g_basal", "tau_rise", "dt"]))
    def edit(self, path, key):
        """What changes results is refused, whoever asks; put back, all is as before."""
        config = path / "config.json"
        text = config.read_text()

        def change(tree):
            for name, value in tree.items():
                if name == key:
                    tree[name] = value + 1
                elif isinstance(value, dict):
                    change(value)

        edited = json.loads(text)
        change(edited)
        config.write_text(json.dumps(edited))
        for open_it in (runs.Run.resume, runs.load_run):
            with pytest.raises(sl.InputError, match=r"config\.json"):
                open_it(path)
        config.write_text(text)
        self.check(path)

    @rule(path=folders)
    def edit_a_metric(self, path):
        """A number that somebody changed is refused; one that was only written otherwise is not."""
        metrics = path / "metrics.csv"
        text = metrics.read_text() if metrics.exists() else ""
        header, *rows = text.splitlines() or [""]
        if not rows or self.known[path][0] < N:
            return
        edited = rows[0].split(",")
        at = header.split(",").index("test_error")
        edited[at] = str(float(edited[at]) + 1)
        metrics.write_text("\n".join([header, ",".join(edited), *rows[1:], ""]))
        with pytest.raises(sl.InputError, match=r"metrics\.csv was edited: test_error of epoch 1"):
            runs.Run.resume(path)
        metrics.write_text(text)
        self.check(path)

    @rule(path=folders)
    def move_the_images(self, path):
        elsewhere = self.place / "elsewhere.npz"
        shutil.copy(self.source, elsewhere)
        run = runs.Run.resume(path, data=str(elsewhere))
        assert run.training.trials == self.known[path][0]
        elsewhere.unlink()
        with pytest.raises(sl.InputError, match="say where with --data"):
            runs.Run.resume(path)
        runs.Run.resume(path, data=self.source)
        self.check(path)

    @rule(path=folders)
    def other_images(self, path):
        other = write_bars(self.place / "other.npz", n_train=N + 1)
        with pytest.raises(sl.InputError, match="other images|images to train on"):
            runs.Run.resume(path, data=other)
        self.check(path)

    @rule(path=folders, threads=st.integers(1, 3))
    def test(self, path, threads):
        config, weights = runs.load_run(path)
        images = runs.test_images(path)
        once, again = (
            sl.evaluate(MODEL.network, weights, images, seed=config.seed, engine=config.engine, threads=n)
            for n in (1, threads)
        )
        assert (once == again).all()
        rows = arrived_at(path)[2]
        trials = self.known[path][0]
        if trials and trials % N == 0:
            assert rows[-1]["test_error"] == sl.error_percent(once, images.y)[0]
        self.check(path)

    @rule(path=folders, example=st.integers(0, 2 * N))
    def record(self, path, example):
        """Looking at a trial changes nothing, and one sees the same again."""
        config, weights = runs.load_run(path)
        images = sl.load(self.source).train
        image = images.intensities(slice(0, 1))[0]
        seen = [
            sl.simulate(MODEL.network, weights, image, label=1, seed=3, example=example, engine=config.engine)
            for _ in range(2)
        ]
        file = RecordingFile.create(self.place / "seen.h5")
        file.append(example, seen[0])
        for layer, spikes in file[example].spikes.items():
            assert spikes.time.tobytes() == seen[1].spikes[layer].time.tobytes()
        file.path.unlink()
        self.check(path)


@sizes((6, 12), (300, 40), "much")
def test_folders(tmp_path, much):
    Folders.source = write_bars(tmp_path / "bars.npz", n_train=N)
    examples, steps = much
    run_state_machine_as_test(
        Folders,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
