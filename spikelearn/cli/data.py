"""Show which data sets are at hand, or fetch MNIST."""

import argparse
from typing import Any

from spikelearn import datasets
from spikelearn.errors import InputError


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Return the states of all data sets, or the folder that was fetched."""
    if options.action is not None:
        if options.action != "fetch":
            raise InputError(f"unknown action {options.action!r}; the one known is: spikelearn data fetch mnist")
        if options.name != "mnist":
            what = "no name to fetch" if options.name is None else f"cannot fetch {options.name!r}"
            raise InputError(f"{what}; the one known is: spikelearn data fetch mnist")
        folder = datasets.fetch_mnist(progress=not options.json)
        if not options.json:
            print(f"mnist is in {folder}")
        return {"mnist": str(folder)}
    places = found()
    if not options.json:
        for name, states in places.items():
            for state in states:
                print(f"{name}: {state}")
    return places


def found() -> dict[str, list[str]]:
    """Return every data set's states, place by place in the order of the search."""
    places: dict[str, list[str]] = {}
    for name, place in datasets.search_report():
        places.setdefault(name, []).append(place)
    return places
