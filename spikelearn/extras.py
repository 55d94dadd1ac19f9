"""Libraries that do not come with the package but with one of its extras."""

import importlib
from typing import Any

from spikelearn.errors import InputError


def imported(name: str, extra: str) -> Any:
    """Return a module of an extra; `InputError` that says how to get it if it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InputError(f"{name} is not installed; pip install 'spikelearn[{extra}]'") from error
