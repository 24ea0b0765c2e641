"""Cleaning, cutting and joining of report texts: the stated rules, and properties that hold for every text."""

from __future__ import annotations

import csv
import random
import re

import pytest

from mrg_helpers import reports
from mrg_helpers.reports import clean, detokenize, sentences, split_sections, target_text, tokenize


@pytest.mark.parametrize(
    "dirty, expected",
    [
        # what must stay
        ("Nodule of 1.9 cm at T12, 5 mm deep.", "Nodule of 1.9 cm at T12, 5 mm deep."),
        ("Fracture of right rib 4. The rest is normal.", "Fracture of right rib 4. The rest is normal."),
        ("1.9 cm nodule.", "1.9 cm nodule."),
        ("COPD. CT with 2 views.", "COPD. CT with 2 views."),
        # list numbers
        ("1. No effusion. 2. Heart normal.", "No effusion. Heart normal."),
        ("1) No effusion\n2) Heart normal", "No effusion. Heart normal"),
        ("#1 No effusion. #2 Heart normal.", "No effusion. Heart normal."),
        ("(1) No effusion. (2) Heart normal.", "No effusion. Heart normal."),
        ("1.Severe changes. 2.No fracture.", "Severe changes. No fracture."),
        ("1. Cardiomegaly 2. Ectatic aorta 3. No effusion.", "Cardiomegaly. Ectatic aorta. No effusion."),
        ("- No effusion.\n• Heart normal.", "No effusion. Heart normal."),
        # XXXX
        ("Normal chest x-XXXX.", "Normal chest x-ray."),
        ("X-XXXX of the chest. No x-XXXX evidence.", "X-ray of the chest. No x-ray evidence."),
        ("Midline sternotomy XXXX. XXXX lungs.", "Midline sternotomy. Lungs."),
        ("Unchanged since XXXX.", "Unchanged."),
        ("Compared to the XXXX, XXXX, no change.", "Compared, no change."),
        ("There is no XXXX of a pleural effusion.", "There is no pleural effusion."),
        ("There is a XXXX opacity and an XXXX nodule.", "There is an opacity and a nodule."),
        ("Heart normal. The XXXX are intact. No effusion.", "Heart normal. No effusion."),
        ("XXXX and soft tissues are unremarkable.", "Soft tissues are unremarkable."),
        ("Loops are XXXX-filled, dual-XXXX.", "Loops."),
        ("Calcified lymph XXXX/granulomas.", "Calcified lymph granulomas."),
        ("Obtained on 02/010/XXXX. Clear lungs.", "Obtained. Clear lungs."),
        ("XXXX XXXX XXXX.", ""),
        ("XXXX", ""),
        # marks of a table
        ("Lungs&nbsp;clear &amp; expanded.<br/>No effusion.", "Lungs clear & expanded. No effusion."),
        ("[&lt;Heart size is normal.&gt;] Lungs low.", "Heart size is normal. Lungs low."),
        ("The patient’s “lungs” – clear…", 'The patient\'s "lungs" - clear.'),
        ("Lungs\u00a0are\u200b \tclear_x000D_\r\n.", "Lungs are clear."),
        ("Density < 2 cm and > 1 cm.", "Density < 2 cm and > 1 cm."),
        # punctuation
        ("No effusion.. .", "No effusion."),
        ("Heart , lungs () normal.Calcified aorta .", "Heart, lungs normal. Calcified aorta."),
        ("Normal?. Yes", "Normal? Yes"),
        (None, ""),
        (float("nan"), ""),
        ("  ", ""),
    ],
)
def test_clean_follows_the_stated_rules(dirty, expected):
    assert clean(dirty) == expected
    assert clean(expected) == expected


def test_clean_settles_on_any_text():
    pieces = [
        *"1.2)#,;:?!()[]<>/-&'\"X \n\t",
        "XXXX",
        "x-XXXX",
        "1. ",
        "2) ",
        "the ",
        "of ",
        "are ",
        "Heart",
        "effusion",
        "&amp;",
        "<br>",
        "é…",
    ]
    draw = random.Random(0)
    for _ in range(3000):
        text = "".join(draw.choices(pieces, k=draw.randint(1, 14)))
        cleaned = clean(text)
        assert clean(cleaned) == cleaned, text
        assert "XXXX" not in cleaned and "  " not in cleaned and cleaned == cleaned.strip(), text


def test_tokens_are_words_numbers_and_marks():
    assert tokenize("1. X-ray: patient's 1.9 cm nodule, and/or T12.") == [
        *["x-ray", ":", "patient's", "1.9", "cm", "nodule", ",", "and", "/", "or", "t12", "."],
    ]
    assert tokenize("8-1/2 at 40%") == ["8-1", "/", "2", "at", "40", "%"]
    assert tokenize("<unk> effusion") == ["<unk>", "effusion"]
    assert tokenize("") == tokenize(None) == []


def test_detokenized_text_reads_like_a_report():
    text = "Heart size is normal (see above). X-ray and CT at T12: 1.9 cm, 40% and/or stable. No effusion."
    assert detokenize(tokenize(text)) == text
    assert detokenize([]) == ""


def test_sentences_are_whole_and_clean():
    assert sentences("1. Dr. Smith saw 1.9 cm. no change vs. before? 2. Yes") == [
        "Dr. Smith saw 1.9 cm.",
        "no change vs. before?",
        "Yes",
    ]
    assert sentences("XXXX.") == []


def test_sections_are_found_by_their_headings():
    found = split_sections("INDICATION: cough\nFindings: Heart normal.\nLungs clear. IMPRESSION: Normal.")
    assert found == {
        "indication": "cough",
        "comparison": "",
        "findings": "Heart normal.\nLungs clear.",
        "impression": "Normal.",
    }
    assert split_sections("Heart normal.")["findings"] == "Heart normal."
    assert split_sections("History: no findings: none")["findings"] == ""


def test_tokens_are_numbered_by_sentence_and_an_abbreviation_ends_none():
    tokens = ["no", "edema", ".", "dr", ".", "smith", "?", "yes"]
    assert reports.sentence_numbers(tokens) == [0, 0, 0, 1, 1, 1, 1, 2]
    assert reports.sentence_numbers([]) == []


def test_target_text_joins_what_exists():
    row = {"findings": "1. Heart normal", "impression": "No disease."}
    assert target_text(row, "findings") == "Heart normal."
    assert target_text(row, "impression") == "No disease."
    assert target_text(row, "report") == "Heart normal. No disease."
    assert target_text({"findings": "", "impression": "No disease."}, "report") == "No disease."
    assert target_text({"findings": "XXXX.", "impression": ""}, "report") == ""
    with pytest.raises(ValueError, match="findings, impression, report"):
        target_text(row, "tags")


def test_real_reports_keep_the_rules(shared):
    with (shared / "iu_xray" / "indiana_reports.csv").open(encoding="utf-8") as file:
        texts = [row[section] for row in csv.DictReader(file) for section in ("findings", "impression")]
    assert len(texts) == 2 * 3851
    kept = 0
    for text in texts[::3]:
        cleaned = clean(text)
        assert clean(cleaned) == cleaned
        assert not re.search(r"XXXX|x-(?!ray)|\.\.|\s[.,;]|^\d[.)]\s|&\w+;", cleaned), text
        assert tokenize(detokenize(tokenize(cleaned))) == tokenize(cleaned)
        assert re.findall(r"\d+\.\d+", cleaned) == re.findall(r"\d+\.\d+", text)
        kept += len(cleaned) >= 0.6 * len(text)
    assert kept / len(texts[::3]) > 0.97
    assert reports.SECTIONS[2:] == reports.TARGETS[:2]
