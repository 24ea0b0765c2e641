"""The pointing game, deletion and insertion on attention that is made by hand, where the answer is known."""

from dataclasses import replace

import numpy as np
import pytest

from mrg_helpers import looking, perturb
from mrg_helpers.decoding import Generation
from mrg_helpers.vocabulary import Vocabulary

VOCABULARY = Vocabulary(dict.fromkeys(["large", "pleural", "effusion", "no", "nodule", ".", "heart", "normal"], 1))
GRID = (2, 2)
CELLS = np.array([[0, 0, 10, 10], [10, 0, 20, 10], [0, 10, 10, 20], [10, 10, 20, 20]], float)


def generation(texts, peaks):
    """Reports with all attention of report k on region peaks[k] while it names something, and even attention elsewhere."""
    ids = [VOCABULARY.encode(text)[1:] for text in texts]
    longest = max(map(len, ids))
    tokens = np.array([row + [0] * (longest - len(row)) for row in ids], "int32")
    attention = np.full((*tokens.shape, 4), 0.25, "float32")
    named = np.isin(tokens, [VOCABULARY.ids[word] for word in ("pleural", "effusion", "nodule")])
    for k, peak in enumerate(peaks):
        attention[k, named[k]] = np.eye(4)[peak]
    attention[tokens == 0] = 0
    lengths = np.array([len(row) - 1 for row in ids], "int32")
    return Generation(tokens, np.zeros(tokens.shape, "float32"), attention, lengths, GRID)


def test_tokens_and_characters_belong_together():
    ids = VOCABULARY.encode("No nodule. Large pleural effusion.")[1:-1]
    text = VOCABULARY.decode(ids)
    pieces = [text[start:end].strip().lower() for start, end in looking.token_spans(VOCABULARY, ids)]
    assert pieces == VOCABULARY.tokens(ids)
    named = {mention.name: [pieces[t] for t in tokens] for mention, tokens in looking.mentioned(VOCABULARY, ids)}
    assert named["pleural effusion"] == ["pleural", "effusion"] and named["nodule"] == ["nodule"]


def test_only_what_is_asserted_and_true_is_a_naming():
    written = generation(["Large pleural effusion.", "No nodule.", "Nodule."], [0, 1, 2])
    truth = [{"pleural effusion": [(0, 0, 5, 5)]}, {"nodule": []}, {}]
    named = looking.namings(written, VOCABULARY, truth)
    assert [(one.study, one.finding) for one in named] == [(0, "pleural effusion")]
    np.testing.assert_array_equal(looking.naming_attention(written, named), np.eye(4)[[0]])
    with pytest.raises(ValueError, match="one entry"):
        looking.namings(written, VOCABULARY, truth[:2])


def test_a_peak_is_judged_by_its_cell_and_by_its_centre():
    assert looking.pointing_game(np.eye(4)[0], CELLS, (4, 4, 6, 6)) == (True, True)
    assert looking.pointing_game(np.eye(4)[0], CELLS, (8, 8, 12, 12)) == (True, False)
    assert looking.pointing_game(np.eye(4)[3], CELLS, (0, 0, 9, 9)) == (False, False)
    assert looking.pointing_game(np.eye(4)[1], CELLS, (0, 0, 10, 10)) == (False, False)  # touching is not meeting


def test_the_game_counts_hits_beside_chance_and_beside_who_does_not_look():
    texts = ["Large pleural effusion."] * 3
    boxes = [(1, 1, 9, 9), (11, 1, 19, 9), (11, 11, 19, 19)]
    truth = [{"pleural effusion": [box]} for box in boxes]
    written = generation(texts, [0, 1, 0])  # two right, one wrong
    games = looking.play(written, looking.namings(written, VOCABULARY, truth), [CELLS] * 3)
    np.testing.assert_allclose(games[("meets", "model")], [1, 1, 0])
    np.testing.assert_allclose(games[("meets", "chance")], 0.25)
    np.testing.assert_allclose(games[("centre", "model")], [1, 1, 0])
    np.testing.assert_allclose(games[("mass", "model")], [0.64, 0.64, 0])  # a box of 8 x 8 in a cell of 10 x 10
    np.testing.assert_allclose(games[("mass", "chance")], 0.16)
    # with region 0 in two reports of three, looking where one always looks is right for the first alone
    np.testing.assert_allclose(games[("meets", "average map")], [1, 0, 0])
    np.testing.assert_allclose(games[("meets", "same finding, other patients")][1:], [0, 0])
    table = looking.pointing_table(games)
    assert table.loc["all", ("namings", "")] == 3
    assert table.loc["all", ("meets", "model")] == pytest.approx(2 / 3)
    assert table.index.tolist() == ["pleural effusion", "all"]


def test_of_two_views_one_plays_at_a_time():
    one = generation(["Large pleural effusion."], [0])
    both = replace(one, attention=np.concatenate([one.attention * 0.25, one.attention * 0.75], axis=-1))
    named = looking.namings(both, VOCABULARY, [{"pleural effusion": [(1, 1, 9, 9)]}])
    with pytest.raises(ValueError, match="4 cells, but attention over 8 regions.*of_view"):
        looking.play(both, named, [CELLS])
    games = looking.play(both.of_view(0), named, [CELLS])
    assert games[("meets", "model")].tolist() == [1]
    assert games[("mass", "model")][0] == pytest.approx(0.25 * 0.64)  # of all attention, the other view's included


def test_a_model_without_attention_cannot_play():
    one = generation(["Large pleural effusion."], [0])
    blind = replace(one, attention=np.zeros_like(one.attention))
    with pytest.raises(ValueError, match="no attention"):
        looking.play(blind, looking.namings(blind, VOCABULARY, [{"pleural effusion": [(1, 1, 9, 9)]}]), [CELLS])


def test_entropy_of_one_region_and_of_all():
    assert looking.entropy(np.eye(4)[0]) == 0
    assert looking.entropy(np.full(4, 0.25)) == pytest.approx(np.log(4))
    table = looking.entropy_by_kind(generation(["No nodule. Large pleural effusion."], [2]), VOCABULARY)
    asserts, denies, other = looking.KINDS
    assert table.loc[asserts, "mean"] == pytest.approx(0, abs=1e-6) and table.loc[asserts, "words"] == 2
    assert table.loc[denies, "words"] == 1
    assert table.loc[other, "mean"] == pytest.approx(np.log(4), rel=1e-5)


def test_deletion_falls_and_insertion_grows_at_the_region_that_matters():
    features = np.ones((2, 4, 3))
    order = looking.ranked(np.array([[0.1, 0.7, 0.1, 0.1], [0.4, 0.3, 0.2, 0.1]]))
    assert order[0, 0] == 1 and order[1].tolist() == [0, 1, 2, 3]

    def score(some):  # the word hangs on region 1 alone
        return some[:, 1].sum(axis=-1)

    counts = [0, 1, 2, 4]
    deleted, inserted = looking.deletion_insertion(score, features, order, counts)
    np.testing.assert_allclose(deleted.T, [[3, 0, 0, 0], [3, 3, 0, 0]])
    np.testing.assert_allclose(inserted.T, [[0, 3, 3, 3], [0, 0, 3, 3]])
    at_once, later = looking.area(deleted, counts)
    assert at_once < later
    assert looking.area(np.ones((4, 2)), counts) == pytest.approx([1, 1])


def test_another_patients_image_for_everybody():
    rows = np.array([3, 5, 8, 13, 21])
    for seed in range(20):
        exchanged = perturb.another(rows, seed)
        assert sorted(exchanged) == sorted(rows) and (exchanged != rows).all()
    np.testing.assert_array_equal(perturb.another(rows, 1), perturb.another(rows, 1))
    assert perturb.another([4]).tolist() == [4]


def test_wrong_images_come_through_a_reader():
    cache = np.arange(30, dtype="float32").reshape(5, 2, 3)

    def read(rows):
        return {"features": cache[rows], "indication": np.asarray(rows)}

    rows = [0, 2, 4]
    exchanged = perturb.permuted(read, rows, seed=1)(np.array(rows))
    np.testing.assert_array_equal(exchanged["features"], cache[perturb.another(rows, 1)])
    np.testing.assert_array_equal(exchanged["indication"], rows)  # no image: it stays the patient's own
    assert not perturb.blank(read)(np.array(rows))["features"].any()
    noisy = perturb.noisy(read, 0.5)
    together, alone = noisy(np.array(rows)), noisy(np.array([2]))
    np.testing.assert_array_equal(together["features"][1], alone["features"][0])  # whatever batch it is read in
    assert 0 < np.abs(together["features"] - cache[rows]).mean() < 1
    np.testing.assert_array_equal(together["indication"], rows)


def test_both_views_are_wrong_and_a_missing_one_stays_missing():
    cache, has_other = np.ones((3, 2, 3), "float32"), np.array([1, 0, 1], "float32")
    cache *= np.arange(1, 4)[:, None, None]

    def read(rows):
        return {
            "features": cache[rows],
            "other": -cache[rows] * has_other[rows][:, None, None],
            "has_other": has_other[rows],
        }

    rows = np.arange(3)
    exchanged = perturb.permuted(read, rows, seed=1)(rows)
    order = perturb.another(rows, 1)
    for name, value in read(order).items():
        np.testing.assert_array_equal(exchanged[name], value)
    blank = perturb.blank(read)(rows)
    assert not blank["features"].any() and not blank["other"].any()
    noisy = perturb.noisy(read)(rows)
    added = [noisy[name] - read(rows)[name] for name in ("features", "other")]
    assert np.abs(added[1][[0, 2]]).min() > 0 and not added[1][1].any()
    assert np.abs(added[0] - added[1])[[0, 2]].min() > 1e-3  # each view has noise of its own
