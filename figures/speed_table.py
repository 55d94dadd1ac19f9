"""The table of speeds in README.md, from experiments/results/speed.json: times of the engines, ratios of the others."""

import statistics
from collections.abc import Mapping
from typing import Any

NETWORKS = (  # engine, hidden layers and the rest of a network, its configuration
    ("event", "784-500-10", {"sizes": [784, 500, 10], "g_apical": 0.0}),
    ("event", "784-500-100-10", {"sizes": [784, 500, 100, 10], "g_apical": 0.0}),
    ("event", "784-500-10, apical dendrite joined to soma", {"sizes": [784, 500, 10], "g_apical": 0.05}),
    ("clock", "784-500-10", {"sizes": [784, 500, 10], "g_apical": 0.0}),
)
PEERS = {"numpy": "plain NumPy, steps of 1 ms", "brian2": "Brian2, steps of 1 ms, without learning"}


def speed_table(report: Mapping[str, Any]) -> str:
    """Return Markdown: medians in ms of one thread, and how many times the clock's the peers of the same call took."""
    lines = ["| | a training example | a 250-ms test image |", "|---|---|---|"]
    for engine, name, numbers in NETWORKS:
        found = results(report, engine=engine, peers=False, threads=1, reading="released", **numbers)
        cells = [f"{statistics.median(each[key] for each in found):.2g} ms" for key in ("train_ms", "test_ms")]
        lines.append(f"| `{engine.capitalize()}`, {name} | {' | '.join(cells)} |")
    found = results(report, engine="clock", peers=True, reading="released", g_apical=0.0)
    for place, peer in enumerate(found[0]["peers"]):
        if "skipped" in peer:
            continue
        cells = [
            f"{statistics.median(each['peers'][place][key] / each[key] for each in found):.0f} times the clock's"
            for key in ("train_ms", "test_ms")
        ]
        name = {"numpy": "plain NumPy, steps of 1 ms", "brian2": "Brian2, steps of 1 ms, without learning"}[
            peer["engine"]
        ]
        lines.append(f"| {name}, 784-500-10 | {' | '.join(cells)} |")
    return "\n".join(lines)


def results(report: Mapping[str, Any], **wanted: Any) -> list[dict[str, Any]]:
    """Return the results of all repeats of a configuration; `ValueError` if it was not measured."""
    for each in report["results"]:
        if all(each["configuration"][key] == value for key, value in wanted.items()) and each["results"]:
            return list(each["results"])
    raise ValueError(f"speed.json has no results of {wanted}")


def machine(report: Mapping[str, Any]) -> str:
    """Say what it was measured with."""
    host = report["machine"]
    return f"`{report['command']}`, {host['cpu']}, {host['cpu_count']} cores, {report['date']}"
