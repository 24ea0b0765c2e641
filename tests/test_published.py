"""The published rows, and the fixed text that stands beside them."""

from __future__ import annotations

import json

import pytest

from mrg_helpers import published


def test_the_rows_are_scores():
    table = published.table()
    bleu = table[[f"BLEU-{n}" for n in range(1, 5)]]
    assert (bleu.diff(axis=1).iloc[:, 1:] < 0).all(axis=None), "BLEU falls with the length of the sequences"
    scores = table.drop(columns="target; split")
    assert ((scores > 0) & (scores < 1) | scores.isna()).all(axis=None)
    assert table["target; split"].str.len().gt(0).all() and table.index.is_unique


def write_annotation(folder, test: list[str]):
    def items(split, texts):
        return [
            {"id": f"CXR{split}{k}_IM-1", "image_path": [], "report": text, "split": split}
            for k, text in enumerate(texts)
        ]

    train = ["The heart is normal in size. The lungs are clear of disease."] * 3 + ["Old rib fractures are seen here."]
    path = folder / "annotation.json"
    path.write_text(
        json.dumps({"train": items("train", train), "val": items("val", train[:1]), "test": items("test", test)})
    )
    return path


def test_the_text_comes_from_training_and_the_score_from_test(tmp_path):
    normal = "The heart is normal in size. The lungs are clear of disease."
    path = write_annotation(tmp_path, [normal, normal])
    assert published.r2gen_annotation(tmp_path) == published.r2gen_annotation(path) == path
    text, scored = published.fixed_text(path, n=20)
    assert text == normal
    assert scored.loc["BLEU-4", "estimate"] == 1
    path = write_annotation(tmp_path, ["Something quite different was written for this patient."] * 2)
    other, scored = published.fixed_text(path, n=20)
    assert other == text and scored.loc["BLEU-4", "estimate"] < 0.01


def test_without_an_annotation_there_is_none(tmp_path):
    assert published.r2gen_annotation(tmp_path) is None
    assert published.r2gen_annotation(tmp_path / "missing.json") is None


def test_the_real_fixed_text_stands_beside_published_models(shared):
    _, scored = published.fixed_text(published.r2gen_annotation(shared / "iu_xray"), n=200)
    low, high = scored.loc["BLEU-4", ["low", "high"]]
    assert low < published.table().loc["R2Gen", "BLEU-4"] < high
    assert scored.loc["ROUGE-L", "estimate"] == pytest.approx(0.34, abs=0.01)
