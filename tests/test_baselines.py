"""The rungs of the ladder: one interface, and each knows what it may know and nothing more."""

from __future__ import annotations

import json
import random
from collections import Counter

import numpy as np
import pytest

from mrg_helpers import baselines, findings, metrics, reports, templates
from mrg_helpers.baselines import LADDER, Cases

RNG = np.random.default_rng(0)
TEXTS = [
    "The heart is normal. The lungs are clear.",
    "The heart is normal. The lungs are clear.",
    "Cardiomegaly. Small left pleural effusion.",
    "The heart is enlarged. No pneumothorax is seen.",
    "Consolidation in the right lower lobe. No effusion.",
    "",
]
TAGS = [set(), set(), {"cardiomegaly", "pleural effusion"}, {"cardiomegaly"}, {"consolidation"}, {"nodule"}]
FEATURES = RNG.normal(size=(6, 4)) * [1, 10, 100, 0] + 5
TRAIN = Cases(TEXTS, FEATURES, TAGS)
STUDIES = Cases([""] * 9, RNG.normal(size=(9, 4)), [*TAGS, {"nodule", "consolidation"}, {"scoliosis"}, set()])


@pytest.mark.parametrize("name", LADDER)
def test_every_baseline_writes_one_report_a_study_and_the_same_again(name):
    system = LADDER[name]()
    assert system.fit(TRAIN) is system
    texts = system.predict(STUDIES)
    assert len(texts) == 9 and all(isinstance(text, str) and text.strip() for text in texts)
    assert texts == system.predict(STUDIES) == LADDER[name]().fit(TRAIN).predict(STUDIES)
    assert system.predict(Cases([], np.zeros((0, 4)), [])) == []


@pytest.mark.parametrize("name", LADDER)
def test_no_baseline_reads_the_reports_it_is_to_write(name):
    system = LADDER[name]().fit(TRAIN)
    read = Cases(["Scoliosis."] * 9, STUDIES.features, STUDIES.tags)
    assert system.predict(read) == system.predict(STUDIES)


@pytest.mark.parametrize("name", LADDER)
def test_without_a_training_report_there_is_nothing_to_learn(name):
    with pytest.raises(ValueError, match="no training report has any text"):
        LADDER[name]().fit(Cases(["", " "], np.zeros((2, 4)), [set(), set()]))


@pytest.mark.parametrize("name", ["nearest neighbour", "same tags"])
def test_what_is_needed_and_missing_is_said(name):
    with pytest.raises(ValueError, match="give Cases"):
        LADDER[name]().fit(Cases(TEXTS))
    with pytest.raises(ValueError, match="give Cases"):
        LADDER[name]().fit(TRAIN).predict(Cases([""]))


def test_cases_have_one_entry_a_study():
    with pytest.raises(ValueError, match="6 texts and 2 features"):
        Cases(TEXTS, FEATURES[:2])
    with pytest.raises(ValueError, match="6 texts and 5 tags"):
        Cases(TEXTS, tags=TAGS[:5])


def test_the_random_report_depends_on_the_seed_only():
    first, other = (baselines.RandomReport(seed).fit(TRAIN).predict(Cases([""] * 50)) for seed in (0, 1))
    assert first != other and set(first) == set(other) == set(TEXTS) - {""}


def test_the_nearest_neighbour_of_a_training_study_is_itself():
    few = Cases(TEXTS[1:], FEATURES[1:])
    assert baselines.NearestNeighbour().fit(few).predict(few)[:4] == TEXTS[1:5]


def test_the_nearest_study_is_told_with_its_likeness():
    few = Cases(TEXTS, FEATURES)
    place, likeness = baselines.NearestNeighbour().fit(few).nearest(Cases([""] * 5, FEATURES[:5]))
    assert place.tolist() == [0, 1, 2, 3, 4] and np.allclose(likeness, 1)
    opposite = baselines.NearestNeighbour().fit(few).nearest(Cases([""], 2 * FEATURES[:5].mean(0)[None] - FEATURES[:1]))
    assert opposite[1][0] < 1


def test_no_channel_drowns_the_others():
    # two small channels tell what is alike, one large channel says the opposite
    train = Cases(["alike.", "not alike."], np.array([[1, 1, -100], [-1, -1, 100]]) + 5)
    assert baselines.NearestNeighbour().fit(train).predict(Cases([""], np.array([[1, 1, 100]]) + 5)) == ["alike."]


@pytest.mark.parametrize("bad", [np.full((6, 4), np.nan), np.zeros((6, 2, 2))])
def test_features_that_are_not_vectors_are_refused(bad):
    with pytest.raises(ValueError, match="pooled over the regions, and finite"):
        baselines.NearestNeighbour().fit(Cases(TEXTS, bad))


def test_the_report_with_the_same_tags_has_them_or_the_largest_overlap():
    written = baselines.SameTags().fit(TRAIN).predict(STUDIES)
    assert written[:5] == TEXTS[:5]
    assert written[6] == TEXTS[4]  # {nodule, consolidation}: half of it is there
    assert written[8] == TEXTS[0]
    shuffled = random.Random(0).sample(range(6), 6)
    again = baselines.SameTags().fit(Cases([TEXTS[k] for k in shuffled], tags=[TAGS[k] for k in shuffled]))
    assert again.predict(STUDIES) == written


def test_a_study_without_findings_gets_the_report_of_one_without():
    train = Cases(["Cardiomegaly.", "Cardiomegaly.", "Normal."], tags=[{"cardiomegaly"}, {"cardiomegaly"}, set()])
    assert baselines.SameTags().fit(train).predict(Cases([""], tags=[set()])) == ["Normal."]


@pytest.mark.parametrize("order", [1, 2, 4])
def test_the_chances_of_the_next_word_add_up_to_one_and_are_those_that_are_drawn(order):
    model = baselines.NGramModel(order).fit(TRAIN)
    for history in (["<s>"] * 3, ["<s>", "the", "heart"], ["never", "seen"], []):
        chances = model.probabilities(history)
        assert sum(chances.values()) == pytest.approx(1) and min(chances.values()) > 0
        rng = random.Random(0)
        drawn = Counter(model.draw(history, rng) for _ in range(4000))
        for word, chance in chances.items():
            assert drawn[word] / 4000 == pytest.approx(chance, abs=0.04)


def test_a_longer_history_knows_more():
    model = baselines.NGramModel(3).fit(TRAIN)
    assert model.probabilities(["the", "lungs"])["are"] > model.probabilities([])["are"]
    assert baselines.NGramModel(1).fit(TRAIN).probabilities(["the", "lungs"]) == model.probabilities([])


@pytest.mark.parametrize("sample", [True, False])
@pytest.mark.parametrize("max_words", [1, 3, 12, 120])
def test_texts_end_with_a_sentence_and_in_time(sample, max_words):
    endless = Cases(["the lungs and the lungs and the lungs and the lungs"] + TEXTS)
    for text in baselines.NGramModel(2, sample, max_words=max_words).fit(endless).predict(Cases([""] * 30)):
        assert text[-1] in ".?!" and len(reports.tokenize(text)) <= max_words + 1


def test_sampling_gives_each_study_its_own_text_and_the_likeliest_word_one_for_all():
    studies = Cases([""] * 40)
    first, other = (baselines.NGramModel(3, seed=seed).fit(TRAIN).predict(studies) for seed in (0, 1))
    assert len(set(first)) > 5 and first != other
    assert set(baselines.NGramModel(4, sample=False).fit(TRAIN).predict(studies)) == {TEXTS[0]}


def test_a_model_needs_an_order_and_a_length():
    for wrong in ({"order": 0}, {"max_words": 0}):
        with pytest.raises(ValueError, match="at least 1"):
            baselines.NGramModel(**wrong)


# ----------------------------------------------------------------------------------------------------- the best template


def random_texts(n: int, seed: int = 0) -> list[str]:
    rng = random.Random(seed)
    sentences = ["The heart is normal in size.", "No pleural effusion or pneumothorax.", "The lungs are clear.",
                 "No effusion.", "There is no acute bony abnormality.", "The heart is enlarged."]  # fmt: skip
    return [" ".join(rng.choices(sentences, k=rng.randint(1, 5))) for _ in range(n)]


@pytest.mark.parametrize("text", [*random_texts(6, seed=1), "no", "one two three", "No effusion. " * 9, "a b c d e"])
def test_a_fixed_text_is_scored_as_bleu_scores_it(text):
    references = random_texts(60)
    words = tuple(metrics.split_words(text))
    scorer = templates.FixedText(references)
    expected = metrics.corpus_scores(references, [text] * 60)["BLEU-4"]
    assert scorer.bleu4(words) == pytest.approx(expected, abs=1e-12)
    assert scorer.bleu4(words, brevity=False) >= scorer.bleu4(words)
    assert scorer.bleu4(()) == 0


def test_no_single_step_makes_the_template_better():
    texts = random_texts(80)
    best = templates.best_template(texts)
    scorer = templates.FixedText(texts)
    score = scorer.bleu4(tuple(metrics.split_words(best)))
    assert score >= max(scorer.bleu4(tuple(metrics.split_words(text))) for text in texts)
    inside = reports.sentences(best)
    for sentence in templates.frequent_sentences(texts, 99):
        for place in range(len(inside) + 1):
            more = inside[:place] + [sentence] + inside[place:]
            if sentence not in inside:
                assert scorer.bleu4(tuple(metrics.split_words(" ".join(more)))) <= score + 1e-9
    for place in range(len(inside)):
        less = " ".join(inside[:place] + inside[place + 1 :])
        assert scorer.bleu4(tuple(metrics.split_words(less))) <= score + 1e-9


def test_the_template_is_made_of_training_sentences_and_does_not_depend_on_their_order():
    texts = random_texts(50)
    best = templates.best_template(texts)
    assert set(reports.sentences(best)) <= {sentence for text in texts for sentence in reports.sentences(text)}
    assert templates.best_template(texts[::-1]) == best


def test_one_report_is_its_own_best_template():
    assert templates.best_template(["The heart is normal.", ""]) == "The heart is normal."
    assert templates.best_template(["Normal."] * 3) == "Normal."  # too short for any BLEU-4, and still a report


def test_sentences_are_counted_without_case_and_written_as_most_do():
    texts = ["Lungs clear. HEART NORMAL.", "Heart normal. Heart normal.", "Lungs clear, heart normal."]
    assert templates.frequent_sentences(texts, 2) == ["Heart normal.", "Lungs clear."]
    assert templates.frequent_sentences(["B. A.", "C."], 3) == ["A.", "B.", "C."]  # equally frequent: by the alphabet


def test_on_real_reports_one_text_beats_the_most_common_report_and_much_of_the_literature(shared):
    studies = json.loads((shared / "iu_xray" / "r2gen_annotation.json").read_text(encoding="utf-8"))
    train, test = ([reports.clean(study["report"]) for study in studies[split]] for split in ("train", "test"))
    score = {}
    for name, system in (("common", baselines.MostCommonReport()), ("template", baselines.BestTemplate(100))):
        texts = system.fit(Cases(train)).predict(Cases(test))
        score[name] = metrics.corpus_scores(test, texts)
        assert len(set(texts)) == 1
    assert score["template"]["BLEU-4"] > max(0.15, 2 * score["common"]["BLEU-4"])
    assert findings.asserted(texts[0]) == {"no finding"}  # and it names no disease
