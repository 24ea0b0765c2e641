"""Every check: the right answer is accepted, likely wrong ones get a hint of their own, and nothing raises."""

import re

import numpy as np
import pandas as pd
import pytest
import test_checks_data
import test_checks_models

from mrg_helpers import checks

CASES = test_checks_data.CASES | test_checks_models.CASES


@pytest.mark.parametrize("name", CASES)
def test_the_right_answer_is_right(name):
    given, right, _ = CASES[name]
    assert checks.check(name, right, **given).status == "right", checks.check(name, right, **given)


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
