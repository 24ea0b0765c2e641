"""Stages make what is missing, say so, reuse what is there, and never mix two data sets or two settings."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from mrg_helpers import paths, stages
from mrg_helpers.settings import SIZES
from mrg_helpers.stages import Settings, artefact_folder, one_image_per_study


def test_everything_is_made_on_the_way_and_then_reused(tiny, capsys):
    first = stages.ensure_generation(tiny)
    assert "[stages]" not in capsys.readouterr().out
    table = stages.ensure_studies(tiny).table
    assert len(first) == (table["split"] == "test").sum() > 0
    assert stages.ensure_features(tiny).read([0]).shape == (1, 9, 8)
    model = stages.ensure_model(tiny)
    assert model.words == stages.ensure_vocabulary(tiny).words
    assert model.note.startswith("random InceptionV3")


def test_another_network_wants_a_layer_of_its_own(tiny):
    with pytest.raises(ValueError, match="MobileNetV3Large has no layer 'mixed0'.*expanded_conv_5_add"):
        stages.ensure_features(dataclasses.replace(tiny, network="mobilenet_v3_large"))


def test_examples_carry_what_the_reports_assert(tiny):
    names, train = stages.concept_names(tiny), stages.examples(tiny, "train")
    assert names and "no finding" not in names
    assert train.concepts.shape == (len(train), len(names)) and (train.concepts.sum(axis=0) >= 2).all()
    assert [len(each) + 1 for each in train.emphasis] == [len(tokens) for tokens in train.tokens]
    assert stages.ensure_model(tiny).settings["concepts"] == names
    without = dataclasses.replace(tiny, concepts=0.0)
    assert stages.concept_names(without) == [] and stages.examples(without, "train").concepts is None


def test_templates_come_from_the_training_reports(tiny):
    settings = dataclasses.replace(tiny, model="retrieve_paraphrase", options={"retrieved": 3})
    sentences, train = stages.template_sentences(settings), stages.examples(settings, "train")
    assert sentences and train.templates.shape == (len(train), len(sentences))
    assert train.templates.any(axis=0).all()  # each is said by somebody
    assert train.batch([1, 0])[0]["templates"].tolist() == train.templates[[1, 0]].tolist()
    model = stages.new_model(settings)
    assert model.settings["templates"] == sentences and model.kept == 3
    assert stages.examples(tiny, "train").templates is None


def test_a_blind_model_learns_with_the_images_of_others(tiny):
    blind = dataclasses.replace(tiny, blind=True)
    assert artefact_folder(blind, "model") != artefact_folder(tiny, "model")
    assert artefact_folder(blind, "features") == artefact_folder(tiny, "features")
    for split in ("train", "val"):
        seeing, unseeing = stages.examples(tiny, split), stages.examples(blind, split)
        assert seeing.tokens == unseeing.tokens
        seen, unseen = (some.read(np.array(some.rows))["features"] for some in (seeing, unseeing))
        exchanged = [int(np.abs(seen - one).sum(axis=(1, 2)).argmin()) for one in unseen]
        assert sorted(exchanged) == list(range(len(seeing)))  # every image is used once
        assert len(seeing) == 1 or all(k != other for k, other in enumerate(exchanged))


def test_words_count_more_where_a_finding_is_asserted():
    text = "Heart normal. Large left effusion, 1.9 cm. No pneumothorax."
    weights, said = stages.word_labels(text, ["pleural effusion", "pneumothorax"], 5.0, 90)
    assert weights == [1.0] * 3 + [5.0] * 7 + [1.0] * 3 + [1.0]
    assert said.tolist() == [[weight == 5.0, False] for weight in weights]
    weights, said = stages.word_labels(text, [], 5.0, 6)
    assert weights == [1.0, 1.0, 1.0, 5.0, 1.0]  # four words and the end, as encode cuts them
    assert said.shape == (5, 0)


def test_a_new_model_gets_the_settings_that_are_its_own(tiny):
    changed = dataclasses.replace(
        tiny, guide=0.7, penalty=0.1, dropout=0.25, feature_dropout=0.05, gate=False, concepts=2.0
    )
    given = stages.new_model(changed).settings
    assert {name: given[name] for name in SIZES} == {name: getattr(changed, name) for name in SIZES}
    assert given["concept_weight"] == 2.0 and given["concepts"] == stages.concept_names(tiny)


def test_examples_are_the_studies_that_have_the_text(tiny):
    table = stages.ensure_studies(tiny).table
    train = table[table["split"] == "train"]
    examples = stages.examples(tiny, "train")
    assert len(examples) == sum(bool(text) for text in stages.target_texts(train, "findings"))
    assert max(map(len, examples.tokens)) <= tiny.max_length
    inputs, _ = examples.batch([0])
    assert inputs["features"].shape == (1, 9, 8)


def test_what_a_model_needs_besides_is_read_for_it(tiny):
    table, rows = stages.ensure_studies(tiny).table, np.arange(5)
    assert set(stages.reader(tiny)(rows)) == {"features"}
    two = dataclasses.replace(tiny, model="two_view")
    batch, lateral = stages.reader(two)(rows), dataclasses.replace(tiny, view="lateral")
    there = ["lateral" in views for views in table["views"][:5]]
    assert batch["has_other"].tolist() == there
    expected = stages.ensure_features(lateral).read(rows) * np.array(there, "float32")[:, None, None]
    np.testing.assert_array_equal(batch["other"], expected)
    np.testing.assert_array_equal(batch["features"], stages.ensure_features(tiny).read(rows))
    first_and_other = stages.reader(dataclasses.replace(two, view="lateral"))(rows)
    np.testing.assert_array_equal(first_and_other["features"][there], batch["other"][there])

    told = dataclasses.replace(tiny, model="indication")
    words = stages.indication_words(told)
    training = " ".join(table.loc[table["split"] == "train", "indication"]).lower()
    assert words and all(training.count(word) >= 2 for word in words)
    ids = stages.reader(told)(rows)["indication"]
    assert [bool(row.any()) for row in ids] == [bool(text) for text in table["indication"][:5]]
    assert stages.new_model(told).settings["indication_words"] == words


def test_what_a_model_does_not_take_is_named(tiny):
    with pytest.raises(ValueError, match="two_view does not take layers; it takes .*units.*view_dropout"):
        stages.new_model(dataclasses.replace(tiny, model="two_view", options={"layers": 3}))
    given = stages.new_model(dataclasses.replace(tiny, model="two_view", options={"view_dropout": 0.5})).settings
    assert given["view_dropout"] == 0.5 and given["units"] == tiny.units and given["concepts"]


def test_one_image_per_study_prefers_the_view_and_keeps_the_order():
    table = pd.DataFrame(
        {
            "study_id": ["a", "b", "c"],
            "images": [["a1", "a2"], ["b1"], ["c1", "c2"]],
            "views": [["lateral", "frontal"], ["lateral"], ["lateral", "unknown"]],
            "split": ["train", "val", "test"],
        }
    )
    assert one_image_per_study(table, "frontal")["path"].tolist() == ["a2", "b1", "c2"]
    assert one_image_per_study(table, "lateral")["path"].tolist() == ["a1", "b1", "c1"]


def test_missing_data_are_named_with_what_to_do(tiny, tmp_path):
    with pytest.raises(FileNotFoundError, match="prepare iu_xray"):
        stages.ensure_studies(Settings(dataset="iu_xray", data=str(tmp_path / "none")))
    with pytest.raises(FileNotFoundError, match="--data PATH"):
        stages.ensure_studies(Settings(dataset="folder", data=str(tmp_path / "none")))
    assert paths.outputs_dir().exists()


def test_an_image_network_is_tuned_once_for_all_views(tiny, capsys):
    tuned = dataclasses.replace(tiny, layer="mixed1", fine_tune="mixed0", tuning_epochs=1)
    plain, cache = stages.ensure_features(dataclasses.replace(tuned, fine_tune="")), stages.ensure_features(tuned)
    assert "tuning inception_v3 after mixed0" in capsys.readouterr().out
    assert cache.manifest["weights"] == "random, tuned after mixed0" and "tuned after mixed0" in cache.note
    assert cache.manifest["weights_fingerprint"] != plain.manifest["weights_fingerprint"]
    stages.ensure_features(dataclasses.replace(tuned, view="lateral"))
    assert "tuning" not in capsys.readouterr().out
