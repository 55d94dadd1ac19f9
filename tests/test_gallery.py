"""Every number in the prose of the gallery and of the README comes from a committed result, or from the paper.

Captions and tables are made from the results, and other tests see that they still are. A number of the prose stands in
a caption or a table, or is worked out here, or is a setting or a published number, named here with its origin.
"""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import spikelearn as sl
from spikelearn.models import guerguiev2017

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "experiments" / "results"
NUMBER = r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?(?!\w)"
TABLES = re.findall(
    r"<!-- numbers: .*?<!-- end of numbers -->", (ROOT / "figures" / "README.md").read_text(), re.DOTALL
)

# What was published, and settings; the fact that a number is of this kind is all that is known of it.
GIVEN = {
    "contraction": {"0": "the diagonal at the start, below 0.003"},
    "embedding": {"4": "a digit", "9": "a digit"},
    "angles": {"90": "published", "0.21": "the paper's rate"},
    "symmetric_feedback": {"6": "from the published t-values", "8": "from the published t-values"},
    "apical_conductance": {"3.3": "from the published t-values", "5.2": "from the published t-values"},
    "cited": {"0": "an end of plateaus' range"},
    "test_duration": {"24": "published"},
    "fashion": {"500": "units", "256": "units", "10.6": "published", "2021": "a year"},
    "temporal_credit": {"200": "repetitions of 1,000 steps"},
    "feedback_alignment_linear": {"2016": "a year"},
    "meta_rule": {"2019": "a year", "1,280": "80 generations of 8 mirrored pairs"},
}


def read(name):
    return json.loads((RESULTS / f"{name}.json").read_text())


def errors(name, condition):
    """Test errors, (networks, epochs)."""
    return np.array(read(name)["conditions"][condition]["test_error"])


def settled(name, condition):
    """Mean of the last ten epochs of each network."""
    return errors(name, condition)[:, -10:].mean(axis=1)


def angle(condition, epoch):
    return np.mean([run["by_epoch"][epoch - 1] for run in read("angles")["conditions"][condition]["runs"]])


def by_loss(condition):
    """Mean angles of the last epoch by rank of the output's loss, smallest tenth first."""
    return np.mean([run["by_loss"] for run in read("angles")["conditions"][condition]["runs"]], axis=0)


def below_first():
    """For each network, after how many examples the eigenvalue is below 1 for the first time."""
    runs = read("contraction")["runs"]
    return sorted(run["example"][np.flatnonzero(np.array(run["mean of products"]) < 1)[0]] for run in runs)


def below_for_good(windows):
    """The same for the mean over some windows, from then on."""
    found = []
    for run in read("contraction")["runs"]:
        means = sliding_window_view(run["mean of products"], windows).mean(axis=1)
        found.append(run["example"][windows - 1 :][np.flatnonzero(means >= 1)[-1] + 1])
    return sorted(found)


def at_50_ms(condition):
    return np.mean([run["test_error"][0] for run in read("test_duration")["conditions"][condition]])


def hidden_spikes():
    runs, place = read("test_duration")["conditions"]["one-hidden"], read("test_duration")["duration"].index(250)
    return np.mean([run["spikes"]["hidden[0]"][place] for run in runs])


def pattern(rule):
    return next(
        row["quality"] for row in read("temporal_credit")["comparisons"]["pattern"]["rows"] if row["rule"] == rule
    )


def nearer_bit():
    """Cross-entropy, in nats, of the add task's label for what knows the nearer of both bits."""
    p = np.array([0.5 - 0.125, 1.0 - 0.125])
    return -(p * np.log(p) + (1 - p) * np.log(1 - p)).mean()


def learned(test, rule, epoch=-1):
    """Mean test error over seeds of a rule beside the learned one."""
    return np.mean([seed[rule][epoch] for seed in read("meta_rule")["tests"][test]["test_error"]])


def best(part="final", name="best-1000"):
    return np.mean([network["error"] for network in read("beyond")[part][name]["networks"]])


def held_out(name):
    return read("beyond")["search"][name]["error"]


def lowest(start):
    return min(held_out(name) for name in read("beyond")["search"] if name.startswith(start))


# Of each section, numbers as written, and what they are.
WORKED_OUT = {
    "README": lambda: {"1.8": best()},
    "phase_lengths": lambda: {"57": read("phase_lengths")["quantiles"]["95 %"]},
    "contraction": lambda: {
        "0.4": np.mean([run["diagonal"][-1] for run in read("contraction")["runs"]]),
        "4,700": below_first()[0],
        "6,000": below_first()[-1],
        **dict(zip(("5,600", "19,900", "31,800"), below_for_good(10), strict=True)),
    },
    "learning_curves": lambda: {"0.3": 4.1 - settled("learning_curves", "one-hidden").mean()},
    "angles": lambda: {
        "78": angle("one-hidden", 10),
        "54": angle("rate-feedback", 10),
        "70": angle("one-hidden", 2),
        "41": angle("rate-feedback", 2),
        "53": by_loss("one-hidden")[-1],
        "44": by_loss("rate-feedback")[-1],
        "85": by_loss("one-hidden")[:5].min(),
        "51": by_loss("rate-feedback")[:5].min(),
        "73": angle("one-hidden-slow-output", 10),
    },
    "sparse_feedback": lambda: {
        "0.20": (settled("sparse_feedback", "one-hidden") - settled("sparse_feedback", "sparse")).max(),
        "2.2": 5 * 0.2**0.5,  # a fifth of the weights, five times as large
    },
    "symmetric_feedback": lambda: {
        "4": max(map(float, read("symmetric_feedback")["noise"])),
        "5.8": read("symmetric_feedback")["reach"]["forward_weights_sd"],
    },
    "fashion": lambda: {
        "1.4": (settled("fashion", "fashion-no-hidden") - settled("fashion", "fashion-one-hidden")).mean(),
        "3.6": settled("fashion", "fashion-no-hidden").mean() - settled("fashion", "fashion-backprop").mean(),
    },
    "beyond": lambda: {
        "1.3": best("ladder", "shifts") / best("controls", "backprop"),
        "1.4": best() / best("final", "backprop-1000"),
        "1.2": best("controls", "rates back") / best("controls", "backprop"),
        "0.8": np.ptp([network["error"] for network in read("beyond")["ladder"]["populations"]["networks"]]),
        "2.53": held_out("best"),
        "2.99": held_out("1 output a class"),
        "2.51": held_out("10 outputs a class"),
        "2.52": held_out("gate 0.25"),
        "2.03": held_out("backprop, best"),
        "1.92": held_out("backprop, output rate 0.04"),
        "0.1": held_out("best") - max(map(held_out, ("gain 1.4", "output rate 0.015", "decay 0.97"))),
        "2.46": held_out("gain 1.4, output rate 0.015, decay 0.97"),
        "2.58": lowest("symmetric feedback"),
        "2.96": lowest("Kolen-Pollack"),
    },
    "apical_conductance": lambda: {
        "6.2": errors("apical_conductance", "weak-attenuation")[:, 9].mean(),
        "4.8": errors("apical_conductance", "two-hidden")[:, 9].mean(),
    },
    "apical_timing": lambda: {"0.0004": max(read("apical_timing")["conditions"]["one-hidden"]["mean"])},
    "readings": lambda: {
        "9.2": errors("readings", "one-hidden-text")[:, 0].mean(),
        "11.5": errors("readings", "one-hidden")[:, 0].min(),
        "13.6": errors("readings", "one-hidden")[:, 0].max(),
        "3.67": settled("readings", "one-hidden").min(),
        "0.49": sl.Synapse(cutoff=10).area(),
        "0.51": sl.Synapse(cutoff=10).area(1.0),
    },
    "cited": lambda: {"18": guerguiev2017.two_hidden("cited").network.draw_weights(seed=1).c[0].std()},
    "test_duration": lambda: {
        "4.7": at_50_ms("one-hidden"),
        "4.8": at_50_ms("two-hidden"),
        "12,500": round(hidden_spikes(), -2),
    },
    "meta_rule": lambda: {
        "88": len(read("meta_rule")["searches"][0]["start"]),
        "6.1": learned("digits, as meta-trained", "found"),
        "9.0": learned("digits, as meta-trained", "direct feedback"),
        "68": learned("digits, as meta-trained", "its random start"),
        "28": learned("digits, as meta-trained", "output only"),
        "1.5": learned("digits, ten times as long", "direct feedback"),
        "2.8": learned("digits, ten times as long", "found"),
        "1.9": learned("digits, four hidden layers", "direct feedback"),
        "4.7": learned("digits, four hidden layers", "found"),
        "10.7": learned("MNIST", "found", 0),
        "13.2": learned("MNIST", "found"),
        "6.3": learned("MNIST", "direct feedback"),
        "21": learned("MNIST", "output only"),
    },
    "temporal_credit": lambda: {
        "0.5192": nearer_bit(),
        "1.4": 100 * pattern("eprop"),
        "8.6": 100 * pattern("eprop-random"),
        "53": 100 * pattern("readout-spiking"),
    },
}


def sections():
    """Yield the prose of each part of the gallery, and of the README, by the name of its experiment."""
    for part in re.split(r"^## ", (ROOT / "figures" / "README.md").read_text(), flags=re.MULTILINE)[1:]:
        yield re.search(r"\]\((\w+)\.png\)", part)[1], re.sub(r"!\[.*?\)", "", part.partition("\n")[2])


def written(value, like):
    """Write a number with as many digits as another has."""
    return f"{value:,.{len(like.partition('.')[2])}f}"


@pytest.mark.parametrize(("name", "prose"), list(sections()))
def test_a_number_of_the_gallery_comes_from_results_or_from_the_paper(name, prose):
    made = [
        (ROOT / "figures" / f"{name}.txt").read_text(),
        *TABLES,
        *(each.read_text() for each in RESULTS.glob(f"{name}.md")),
    ]
    shown = set(re.findall(NUMBER, " ".join(made)))
    known = shown | set(GIVEN.get(name, ())) | set(WORKED_OUT.get(name, dict)())
    assert [number for number in re.findall(NUMBER, prose) if number not in known] == []


@pytest.mark.parametrize("name", WORKED_OUT)
def test_what_is_worked_out_is_what_is_written(name):
    found = WORKED_OUT[name]()
    assert {number: written(value, number) for number, value in found.items()} == {number: number for number in found}


def test_the_readme_opens_with_the_error_of_the_committed_networks():
    assert "to 1.8 % on MNIST" in (ROOT / "README.md").read_text()


def test_rates_on_fashion_mnist_are_those_with_the_least_error_held_out():
    found = read("fashion")
    for kind, rates in found["best"].items():
        tried = {key: errors[-1] for key, errors in found["search"].items() if key.rsplit("-", 1)[0] == kind}
        assert len(tried) >= 3 and min(tried, key=tried.__getitem__) == f"{kind}-{rates}"
