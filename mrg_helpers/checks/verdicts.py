"""How an answer is judged: open, right or wrong, and always with a sentence that helps. The checks themselves stand beside."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

OPEN, RIGHT, WRONG = "open", "right", "wrong"
_SHOWN = {
    OPEN: ("…", "not answered yet", "#6B7280"),
    RIGHT: ("✓", "right", "#009E73"),
    WRONG: ("✗", "not yet", "#D55E00"),
}
_CHECKS: dict[str, Callable] = {}


@dataclass(frozen=True)
class Verdict:
    """The answer to an answer.

    Attributes:
        name: of the exercise ("01.2") or of the exhibit of the bug museum ("01.A").
        status: ``"open"``, ``"right"`` or ``"wrong"``.
        message: one or two sentences: what to do, what follows, or a hint.
    """

    name: str
    status: str
    message: str

    def __repr__(self) -> str:
        sign, word, _ = _SHOWN[self.status]
        return f"{sign} {self.name} {word}. {self.message}"

    def _repr_html_(self) -> str:
        sign, word, colour = _SHOWN[self.status]
        style = f"border-left: 5px solid {colour}; padding: 0.4em 0.8em; margin: 0.3em 0; max-width: 60em"
        said = f"<b>{sign} {html.escape(self.name)} {word}.</b> {html.escape(self.message)}"
        return f'<div style="{style}" role="status">{said}</div>'


class NotAnswered(Exception):
    """There is nothing to judge yet."""


class Wrong(Exception):
    """The answer is wrong; the message is the hint."""


def judges(name: str) -> Callable[[Callable], Callable]:
    """Enter a function as the check ``name``.

    The function gets the answer and what the notebook passes along; it returns what to say to a right answer, or raises
    :class:`Wrong` with a hint.
    """

    def enter(function: Callable) -> Callable:
        if name in _CHECKS:
            raise ValueError(f"there are two checks {name!r}: {_CHECKS[name].__name__} and {function.__name__}")
        _CHECKS[name] = function
        return function

    return enter


def names() -> list[str]:
    """The names of all checks, in the order of the notebooks."""
    return sorted(_CHECKS)


def check(name: str, answer: Any, **given: Any) -> Verdict:
    """Judge an answer at once.

    Args:
        name: of the exercise, such as "01.2", or of the exhibit, such as "01.A".
        answer: a value, or a function that the check calls. ``...``, ``None`` and a function that returns one of them count as
            not answered.
        given: what the check needs from the notebook, by name.

    Returns:
        The verdict; no answer makes this function raise.

    Raises:
        KeyError: if there is no check of that name.

    Example:
        >>> check("01.5", ...)
        … 01.5 not answered yet. Fill in the cell and run it again.
    """
    if name not in _CHECKS:
        raise KeyError(f"no check {name!r}; there are: {', '.join(names())}")
    try:
        _need_an_answer(answer)
        return Verdict(name, RIGHT, _CHECKS[name](answer, **given))
    except NotAnswered:
        return Verdict(name, OPEN, "Fill in the cell and run it again.")
    except Wrong as hint:
        return Verdict(name, WRONG, str(hint))
    except Exception as error:  # an answer can be anything, and no answer may stop the notebook
        reason = f"{type(error).__name__}: {error}"
        return Verdict(
            name, WRONG, f"The answer has a form that the check cannot read ({reason}). Read the task again."
        )


# --------------------------------------------------------------------------------------------- what the checks share


def _need_an_answer(answer: Any) -> None:
    if answer is None or answer is ...:
        raise NotAnswered


def need(condition: Any, hint: str) -> None:
    """Refuse with ``hint`` unless the condition holds."""
    if not condition:
        raise Wrong(hint)


def call(function: Callable, *arguments: Any, may_be_none: bool = False) -> Any:
    """What the reader's function returns. One that stops with an error is wrong; one that returns nothing is not answered.

    Args:
        may_be_none: None is an answer here.
    """
    need(callable(function), "The answer should be the function itself, without brackets behind its name.")
    try:
        result = function(*arguments)
    except Exception as error:
        name = getattr(function, "__name__", "the function")
        shown = ", ".join(repr(argument) for argument in arguments)
        shown = shown if len(shown) < 160 else "…"
        raise Wrong(f"{name}({shown}) stops with {type(error).__name__}: {error}") from None
    if result is ... or (result is None and not may_be_none):
        raise NotAnswered
    return result


def same(a: Any, b: Any, tolerance: float = 1e-4) -> bool:
    """Whether two numbers or arrays have one shape and nearly the same values (relative to the larger one)."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=tolerance, atol=tolerance * 1e-2))


def compare(answer: Any, expected: float, likely: Mapping[str, float], otherwise: str, tolerance: float = 1e-3) -> None:
    """Accept the expected number; answer each likely wrong one with its own hint.

    Args:
        likely: hint -> the number that one gets by that mistake.
        otherwise: the hint for every other number.
    """
    number = isinstance(answer, (int, float, np.number)) and not isinstance(answer, bool)
    need(number, f"The answer should be a number, not a {type(answer).__name__}.")
    if same(answer, expected, tolerance):
        return
    for hint, value in likely.items():
        need(not same(answer, value, tolerance), hint)
    raise Wrong(otherwise)
