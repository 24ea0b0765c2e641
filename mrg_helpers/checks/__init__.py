"""Checks that answer at once: the exercises ("01.2") and the exhibits of the bug museum ("01.A") of the notebooks.

One module a notebook and three for the museum, which enter their checks when they are imported; ``verdicts`` holds what they share.
A check looks at what an answer *does*, never at how it is written, and knows the most likely wrong answers by name. How the
exercises come into the notebooks: ``mrg_helpers.exercises``.
"""

from . import (
    museum_data,
    museum_models,
    museum_words,
    notebook_01,
    notebook_02,
    notebook_03,
    notebook_04,
    notebook_05,
    notebook_06,
    notebook_07,
    notebook_08,
)
from .verdicts import Verdict, check, names

__all__ = [
    "Verdict",
    "check",
    "museum_data",
    "museum_models",
    "museum_words",
    "names",
    "notebook_01",
    "notebook_02",
    "notebook_03",
    "notebook_04",
    "notebook_05",
    "notebook_06",
    "notebook_07",
    "notebook_08",
]
