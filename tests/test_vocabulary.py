"""The vocabulary: ids, round trip, coverage, and its file."""

from __future__ import annotations

import json

import pytest

from mrg_helpers.vocabulary import END, PAD, START, UNK, Vocabulary

TEXTS = ["Lungs are clear.", "Lungs are low. Heart normal.", "1. Stable 1.9 cm nodule, x-ray."]


@pytest.fixture
def vocabulary() -> Vocabulary:
    return Vocabulary.fit(TEXTS)


def test_special_ids_come_first_then_words_by_count_then_alphabet(vocabulary):
    assert vocabulary.words[:4] == ["<pad>", "<unk>", "<start>", "<end>"]
    assert vocabulary.words[4:8] == [".", "are", "lungs", ","]
    assert vocabulary.words[8:] == sorted(vocabulary.words[8:])
    assert Vocabulary.fit(reversed(TEXTS)) == vocabulary


@pytest.mark.parametrize("text", TEXTS)
def test_known_texts_come_back(vocabulary, text):
    ids = vocabulary.encode(text)
    assert ids[0] == START and ids[-1] == END and UNK not in ids
    assert vocabulary.decode(ids) == text.removeprefix("1. ")
    assert vocabulary.encode(vocabulary.decode(ids)) == ids
    assert len(vocabulary.tokens(ids)) == len(ids)


def test_unknown_words_are_unk_and_stay_visible(vocabulary):
    ids = vocabulary.encode("Lungs are wet.")
    assert ids.count(UNK) == 1
    assert vocabulary.decode(ids) == "Lungs are <unk>."
    assert vocabulary.encode("Lungs are <unk>.") == ids


def test_decode_stops_at_the_first_end_and_ignores_padding(vocabulary):
    ids = [PAD, *vocabulary.encode("Heart normal."), *vocabulary.encode("Lungs clear."), PAD]
    assert vocabulary.decode(ids) == "Heart normal."
    assert vocabulary.decode([]) == vocabulary.decode([START, END]) == ""


def test_max_length_counts_both_ends_and_keeps_the_end(vocabulary):
    assert vocabulary.encode("Lungs are clear.", max_length=4) == vocabulary.encode("Lungs are")
    assert vocabulary.encode("Lungs are clear.", max_length=2) == [START, END]
    assert len(vocabulary.encode("Lungs are clear.", max_length=99)) == 6


def test_limits_keep_the_most_frequent_words():
    assert Vocabulary.fit(TEXTS, max_words=3).words[4:] == [".", "are", "lungs"]
    assert Vocabulary.fit(TEXTS, min_count=2).words[4:] == [".", "are", "lungs"]
    assert len(Vocabulary.fit([])) == 4


def test_coverage_grows_to_one_on_the_texts_it_was_fitted_on(vocabulary):
    curve = vocabulary.coverage(TEXTS, range(len(vocabulary) + 5))
    assert curve["coverage"].is_monotonic_increasing and curve["complete_reports"].is_monotonic_increasing
    assert curve["coverage"].iloc[0] == 0 and curve["coverage"].iloc[-1] == curve["complete_reports"].iloc[-1] == 1
    assert (curve["coverage"] + curve["unk_rate"] == 1).all()
    for k in (1, 3, 6):  # the shortcut agrees with fitting k words and counting
        small = Vocabulary.fit(TEXTS, max_words=k)
        ids = [i for text in TEXTS for i in small.encode(text)[1:-1]]
        assert curve.set_index("k")["coverage"][k] == pytest.approx(1 - ids.count(UNK) / len(ids))
        complete = sum(UNK not in small.encode(text) for text in TEXTS) / len(TEXTS)
        assert curve.set_index("k")["complete_reports"][k] == pytest.approx(complete)


def test_coverage_counts_words_the_vocabulary_never_saw(vocabulary):
    assert vocabulary.coverage(["lungs wet"], [100])["coverage"].tolist() == [0.5]
    assert vocabulary.coverage([], [5])["coverage"].tolist() == [0.0]


def test_saved_and_loaded_it_is_the_same(vocabulary, tmp_path):
    path = vocabulary.save(tmp_path / "new" / "vocabulary.json")
    again = Vocabulary.load(path)
    assert again == vocabulary and again.fingerprint == vocabulary.fingerprint and again.words == vocabulary.words
    assert [p.name for p in path.parent.iterdir()] == ["vocabulary.json"]
    assert b"\r" not in path.read_bytes()
    assert Vocabulary.fit(TEXTS[:2]).fingerprint != vocabulary.fingerprint


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"counts": {"a": "b"}}', '{"counts": ["a"]}', "null"])
def test_a_broken_file_is_named(tmp_path, content):
    (tmp_path / "v.json").write_text(content)
    with pytest.raises(ValueError, match="v.json.*fit it again"):
        Vocabulary.load(tmp_path / "v.json")


def test_a_changed_or_missing_file_is_named(vocabulary, tmp_path):
    path = vocabulary.save(tmp_path / "v.json")
    content = json.loads(path.read_text(encoding="utf-8"))
    content["counts"].pop("lungs")
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ValueError, match="v.json.*cut or changed"):
        Vocabulary.load(path)
    with pytest.raises(FileNotFoundError, match="nowhere.json"):
        Vocabulary.load(tmp_path / "nowhere.json")
