"""From a grid to configurations: what is understood, what is refused, and how little is read for it."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

import spikelearn as sl
from spikelearn import datasets
from spikelearn.descriptions import to_dict
from spikelearn.errors import InputError
from spikelearn.models import guerguiev2017
from spikelearn.sweeps.grid import read
from spikelearn.sweeps.plan import part_of, plan


def planned(grid, /, **changes):
    return plan(read({**grid, **changes}))


def test_a_grid_is_every_value_with_every_other(grid):
    found = planned(grid, grid={"g_apical": [0, 0.05], "feedback": ["random", "sparse"], "hidden": [[4], [6]]})
    assert list(found.settings) == [
        f"g_apical={g},feedback={kind},hidden={n}" for g in (0, 0.05) for kind in ("random", "sparse") for n in (4, 6)
    ]
    assert found.seeds == (1, 2)
    config = found.settings["g_apical=0.05,feedback=sparse,hidden=6"].config
    network = config.model.network
    assert (network.hidden.g_apical, type(network.feedback), network.sizes) == (0.05, sl.SparseFeedback, (9, 6, 3))
    assert found.config("g_apical=0,feedback=random,hidden=4", 2) == replace(
        found.settings["g_apical=0,feedback=random,hidden=4"].config, seed=2
    )


def test_a_setting_is_configured_as_train_does_it(grid, source):
    (setting,) = planned(
        grid, grid={}, variant="sparse", reading="text", examples=20, fraction_zero=0
    ).settings.values()
    model = guerguiev2017.variant(guerguiev2017.one_hidden("text", n_input=9, hidden=(5,), n_output=3), "sparse")
    feedback = replace(model.network.feedback, fraction_zero=0.0)
    assert setting.config == sl.runs.Config(
        name="one-hidden", reading="text", model=replace(model, network=replace(model.network, feedback=feedback)),
        engine=sl.Clock(), data=source, examples=20, epochs=2, seed=1,
    )  # fmt: skip


def test_a_list_of_settings_is_combined_with_the_grid_and_classes_come_before_their_numbers(grid):
    listed = [{"fraction_zero": 0.5, "feedback": "sparse"}, {"rule": "output-only"}]
    found = planned(grid, settings=listed, grid={"learning_rates.1": [0.1, 0.2]})
    assert len(found.settings) == 4
    rows = [setting.values for setting in found.settings.values()]
    assert [row["learning_rates.1"] for row in rows] == [0.1, 0.2, 0.1, 0.2]
    # What a setting does not name is in the table as it is; where there is no such number, the cell is empty.
    assert [row["fraction_zero"] for row in rows] == [0.5, 0.5, None, None]
    assert json.loads(rows[0]["rule"])["kind"] == "Plateau" and rows[2]["rule"] == "output-only"
    assert found.settings["rule=output-only,learning_rates.1=0.2"].config.model.learning_rates == (0.21, 0.2)


def test_a_file_says_the_same_as_a_mapping(grid, tmp_path):
    path = tmp_path / "grid.toml"
    lines = [f"{name} = {json.dumps(value)}" for name, value in grid.items() if name != "grid"]
    path.write_text("\n".join([*lines, "[grid]", "network.hidden.g_apical = [0.0, 0.05]"]))
    ours, theirs = plan(read(path)), planned(grid)
    assert [setting.config for setting in ours.settings.values()] == [s.config for s in theirs.settings.values()]


def test_values_may_be_descriptions(grid):
    found = planned(
        grid,
        grid={"feedback": [sl.SparseFeedback(gain=2.0), sl.SparseFeedback(gain=4.0)], "engine": [sl.Clock(dt=0.5)]},
    )
    gains = [setting.config.model.network.feedback.gain for setting in found.settings.values()]
    assert gains == [2.0, 4.0] and len(set(found.settings)) == 2
    assert all(name.startswith("feedback=SparseFeedback-") for name in found.settings)
    assert {setting.config.engine for setting in found.settings.values()} == {sl.Clock(dt=0.5)}


def test_the_name_of_a_setting_does_not_depend_on_the_others(grid):
    few = planned(grid, grid={"g_apical": [0.05], "feedback": [{"kind": "SparseFeedback", "gain": 2.0}]})
    many = planned(
        grid, grid={"g_apical": [0.1, 0.05], "feedback": ["random", {"kind": "SparseFeedback", "gain": 2.0}]}
    )
    assert set(few.settings) < set(many.settings)


def test_names_are_names_of_folders(grid):
    (name,) = planned(grid, grid={"order": ["target, learn"]}).settings
    assert " " not in name and name.startswith("order=target,_learn-")


REFUSED = {
    "unknown key": ({"g_apicl": 0.1}, "g_apicl: unknown key; did you mean 'g_apical'?"),
    "unknown option": ({"epoch": 1}, "epoch: unknown key; did you mean 'epochs'?"),
    "unknown key of the grid": ({"grid": {"leraning_rates": [1]}}, "did you mean 'learning_rates'?"),
    "unknown network": ({"network": "one-hiden"}, "unknown network 'one-hiden'; did you mean 'one-hidden'?"),
    "unknown engine": ({"engine": "clok"}, "unknown engine 'clok'; did you mean 'clock'?"),
    "unknown data": ({"data": "digts"}, "did you mean 'digits'?"),
    "no number": ({"epochs": "two"}, "setting.epochs='two': expected int, got str"),
    "out of range": ({"grid": {"g_apical": [0.1, -0.1]}}, "g_apical=-0.1: config.model.network.hidden: "),
    "more than there are": ({"examples": 31}, "cannot take the first 31 of 30"),
    "no layers": ({"hidden": [0]}, "sizes"),
    "the same twice": ({"grid": {"g_apical": [0.1, 0.1]}}, "g_apical=0.1 and g_apical=0.1 give the same run"),
    "the same in other words": (
        {"grid": {"feedback": ["sparse", "SparseFeedback"]}},
        "the settings feedback=sparse and feedback=SparseFeedback give the same run; leave one of them out",
    ),
    "an empty list": ({"grid": {"g_apical": []}}, "grid.g_apical is an empty list, so there is nothing to run"),
    "no settings": ({"settings": []}, "settings is an empty list, so there is nothing to run"),
    "no list": ({"grid": {"g_apical": 0.1}}, "grid.g_apical=0.1 must be a list of values"),
    "no table": ({"grid": 3}, "grid=3 must be a table, headed [grid]"),
    "a table for a list": ({"settings": {"g_apical": 1}}, "settings must be a list of tables"),
    "in both": ({"settings": [{"g_apical": 1.0}]}, "g_apical stands in grid and in settings"),
    "a seed": ({"seed": 3}, "give seeds, a number of them or a list, at the top"),
    "no seeds": ({"seeds": 0}, "seeds=0 must be an integer >= 1"),
    "seeds twice": ({"seeds": [1, 1]}, "seeds=[1, 1] must be a number of seeds, or a list of seeds that differ"),
    "a search": ({"search": {"g_apical": [0.1]}}, "a table [search] is for spikelearn search"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_run_is_refused_on_one_line(grid, case):
    changes, part = REFUSED[case]
    with pytest.raises(InputError) as refused:
        planned(grid, **changes)
    assert part in str(refused.value) and "\n" not in str(refused.value)


def test_a_file_that_is_none_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"there is no file .*none\.toml"):
        read(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("seeds = \n")
    with pytest.raises(InputError, match=r"bad\.toml cannot be read as TOML: Invalid value \(at line 1"):
        read(tmp_path / "bad.toml")
    with pytest.raises(InputError, match="no network is named"):
        plan(read({"seeds": 3}))


def test_a_thousand_settings_are_planned_with_one_look_at_the_images(grid, tmp_path, monkeypatch):
    own = shutil.copy(grid["data"], tmp_path / "own.npz")
    loads, digests = [], []
    load, digest = datasets.load, sl.Images.digest
    monkeypatch.setattr(datasets, "load", lambda *args, **kw: loads.append(args) or load(*args, **kw))
    monkeypatch.setattr(sl.Images, "digest", lambda images: digests.append(images.name) or digest(images))
    rates = [round(0.001 * k, 3) for k in range(1, 1001)]
    found = planned(grid, data=str(own), grid={"learning_rates.0": rates})
    assert len(found.settings) == 1000
    assert len(loads) == 1 and len(digests) == 2


def test_the_held_out_images_are_a_fifth_of_those_to_train_on(grid, source):
    config = planned(grid, grid={}, held_out=True).settings["run"].config
    data, whole = part_of(config).data, sl.load(source)
    assert (len(data.train), len(data.test)) == (24, 6)
    ours = np.concatenate([data.train.x, data.test.x])
    assert sorted(map(bytes, ours)) == sorted(map(bytes, whole.train.x))
    assert to_dict(config)["held_out"] is True
