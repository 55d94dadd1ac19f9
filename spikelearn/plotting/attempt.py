"""Pictures of results that are safe already."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from spikelearn.errors import InputWarning


def attempt(picture: str | Path, draw: Callable[..., Any], *arguments: Any) -> None:
    """Draw a picture; whatever that fails of is a warning, as all else is there.

    Parameters
    ----------
    picture : str or Path
        File of the picture, for the warning.
    draw : callable
        Draws and writes it.
    *arguments
        What it is called with.
    """
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            draw(*arguments)
    except Exception as error:
        warnings.warn(f"{picture} could not be drawn ({error}); all else is there", InputWarning, stacklevel=2)
    else:
        if any("missing from font" in str(each.message) for each in said):
            text = f"{picture}: no font here has all characters of its title; boxes stand for them"
            warnings.warn(text, InputWarning, stacklevel=2)
