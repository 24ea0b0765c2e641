"""The example of CONTRIBUTING.md is a model of the family after the steps that stand there."""

import dataclasses
import re
import textwrap

import pytest
import test_family

from mrg_helpers import models, paths, stages


@pytest.fixture(scope="module")
def last_word():
    text = (paths.project_root() / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (example,) = re.findall(
        r"```python\n(.*?)```", text.partition("## A new model")[2].partition("\n## ")[0], re.DOTALL
    )
    room: dict = {"__name__": "mrg_helpers.models.last_word"}
    exec(textwrap.dedent(example), room)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(models.FAMILY, "last_word", room["LastWord"])
        yield "last_word", {"units": 8}


def test_it_holds_what_every_model_has_to_hold(last_word, tmp_path):
    test_family.test_call_equals_unrolled_step(*last_word)
    test_family.test_every_state_has_the_batch_first(*last_word)
    test_family.test_padding_changes_nothing(*last_word)
    test_family.test_the_future_does_not_leak_into_the_past(*last_word)
    test_family.test_one_study_alone_and_among_others_is_the_same(*last_word)
    test_family.test_saved_and_loaded_it_says_the_same(*last_word, tmp_path)
    test_family.test_every_weight_learns(*last_word)
    test_family.test_the_image_matters(*last_word)


def test_stages_train_it_and_it_writes(last_word, tiny):
    settings = dataclasses.replace(tiny, model="last_word", epochs=1, options={"units": 5})
    written = stages.ensure_generation(settings)
    assert len(written) == (stages.ensure_studies(tiny).table["split"] == "test").sum()
    assert stages.ensure_model(settings).settings == {"units": 5}
    with pytest.raises(ValueError, match="last_word does not take heads; it takes .*units"):
        stages.new_model(dataclasses.replace(settings, options={"heads": 2}))
