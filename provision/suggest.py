"""Wrong words: the known one that was most likely meant. The one place that says "did you mean"."""

import difflib
from collections.abc import Iterable

ALIKE = 0.5
"""How much two words must have in common, as ``difflib`` counts it."""


def nearest(word: str, known: Iterable[str], alike: float = ALIKE) -> str:
    """The known word that is spelled most like it, or ''."""
    lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), lower, 1, alike)
    return lower[near[0]] if near else ""


def meant(near: str, form: str = "'{}'") -> str:
    """The question after that word, written as ``form`` says; '' for none."""
    return f"did you mean {form.format(near)}?" if near else ""


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "", form: str = "'{}'") -> str:
    """``did you mean 'boot'?``, or what is said ``otherwise`` where no known word is near."""
    return meant(nearest(word, known), form) or otherwise
