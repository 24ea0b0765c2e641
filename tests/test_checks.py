"""Every check: the right answer is accepted, likely wrong ones get a hint of their own, and nothing raises."""

import dataclasses
import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import test_checks_data
import test_checks_family
import test_checks_models

from mrg_helpers import checks

CASES = test_checks_data.CASES | test_checks_models.CASES | test_checks_family.CASES


@pytest.mark.parametrize("name", CASES)
def test_the_right_answer_is_right(name):
    given, right, _ = CASES[name]
    assert checks.check(name, right, **given).status == "right", checks.check(name, right, **given)


RIGHT = {name: right for name, (_, right, _) in CASES.items()}
OTHER_FORMS = [
    ("01.2", lambda text: np.bool_(RIGHT["01.2"](text))), ("01.3", np.int64(4)), ("01.3", 4.0),
    ("02.1", ["resize"]), ("02.1", "resize"), ("02.1", ("resize",)),
    ("02.2", lambda n, grid, channels: np.prod([n, *grid, channels]) * 2), ("02.3", lambda *a: np.array(RIGHT["02.3"](*a))),
    ("02.4", tuple(RIGHT["02.4"][::-1])), ("02.4", np.array(RIGHT["02.4"])), ("03.2", np.float32(RIGHT["03.2"])),
    ("03.3", lambda tokens: " ".join(tokens).replace("-", " ").split()),
    ("03.4", lambda words: [list(RIGHT["03.4"](words)[0]), Counter(RIGHT["03.4"](words)[1])]),
    ("04.2", lambda a, b: abs(np.mean(a) - np.mean(b)) > max(np.ptp(a), np.ptp(b))),
    ("04.3", lambda train, seed: dataclasses.replace(train, rows=np.roll(train.rows, 1))),
    ("05.2", lambda words, n: sorted(RIGHT["05.2"](words, n))),
    ("06.1", lambda some, grid: np.flip(some.reshape(-1, *grid, some.shape[-1]), 2).reshape(some.shape)),
    ("06.5", lambda state: {**state, "memory": {**state["memory"], "found": np.zeros_like(state["memory"]["found"])}}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "answer"), OTHER_FORMS)
def test_the_right_answer_may_have_another_form(name, answer):
    said = checks.check(name, answer, **CASES[name][0])
    assert said.status == "right", said


@pytest.mark.parametrize(("name", "k"), [(name, k) for name, (_, _, wrong) in CASES.items() for k in range(len(wrong))])
def test_a_likely_wrong_answer_gets_its_hint(name, k):
    given, _, wrong = CASES[name]
    answer, hint = wrong[k]
    said = checks.check(name, answer, **given)
    assert said.status == "wrong" and re.search(hint, said.message), said


@pytest.mark.parametrize("name", CASES)
def test_no_answer_is_an_open_question_and_five_hints_are_different(name):
    given, right, wrong = CASES[name]
    assert checks.check(name, ..., **given).status == "open"
    if callable(right):
        assert checks.check(name, lambda *arguments: None, **given).status == "open"
    assert len({checks.check(name, answer, **given).message for answer, _ in wrong}) >= 5


def test_no_answer_makes_a_check_raise():
    strange = [0, "", [], {}, object(), float("nan"), print, lambda: 1 / 0, lambda *a: object(), np.zeros(3)]
    strange.append(pd.DataFrame())
    for name, (given, _, _) in CASES.items():
        for answer in strange:
            assert checks.check(name, answer, **given).status in ("open", "wrong"), (name, answer)
