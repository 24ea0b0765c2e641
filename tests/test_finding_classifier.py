"""A classifier of findings that sees what is there and points at it; and the area under the ROC curve, counted by hand."""

import numpy as np
import pytest
import tensorflow as tf

from mrg_helpers import classification, looking, plots
from mrg_helpers.batches import Examples
from mrg_helpers.heatmaps import cell_rectangles
from mrg_helpers.intervals import corpus_interval
from mrg_helpers.models import FindingClassifier
from mrg_helpers.vocabulary import Vocabulary

NAMES, GRID, CHANNELS = ["effusion", "nodule"], (3, 4), 6
R = GRID[0] * GRID[1]


def patients(n, seed):
    """Made-up patients: each finding lights one channel in one region of its own. Features, who has what, and where."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, R, CHANNELS)).astype("float32") * 0.3
    has, where = rng.random((n, 2)) < 0.4, rng.integers(0, R, (n, 2))
    for study, number in zip(*np.nonzero(has), strict=True):
        features[study, where[study, number], number] += 6
    return features, has, where


def examples(n, seed):
    features, has, _ = patients(n, seed)
    return Examples(lambda rows: {"features": features[rows]}, np.arange(n), [[2, 3]] * n, concepts=has)


@pytest.fixture(scope="module", params=["mean", "maximum"])
def learnt(request):
    return FindingClassifier(NAMES, CHANNELS, request.param).fit(examples(200, 0), examples(60, 1), learning_rate=0.1)


def test_it_tells_who_has_what_with_an_interval_that_says_how_surely(learnt):
    unseen = examples(100, 2)
    table = classification.auc_table(NAMES, learnt.predict(unseen.read, unseen.rows), unseen.concepts, n=200)
    assert (table["AUC"] > 0.95).all()
    assert (table["low"] <= table["AUC"]).all() and (table["AUC"] <= table["high"]).all()
    assert table["cases"].tolist() == sorted(unseen.concepts.sum(axis=0), reverse=True)


def test_its_maps_point_at_the_findings_in_the_pointing_game_and_the_pictures_take_them(learnt):
    features, has, where = patients(60, 3)
    boxes = cell_rectangles([(x, y, x + 1, y + 1) for y in range(GRID[0]) for x in range(GRID[1])], GRID)
    truth = [
        {NAMES[c]: [tuple(boxes[where[study, c]])] for c in np.flatnonzero(has[study])} for study in range(len(has))
    ]
    read, rows = (lambda rows: {"features": features[rows]}), np.arange(60)
    maps, predicted = learnt.maps(read, rows), learnt.predict(read, rows)
    np.testing.assert_allclose(maps.sum(axis=-1), 1, atol=1e-5)
    generation = classification.as_generation(maps, predicted, GRID)
    game = looking.play(generation, classification.named(NAMES, truth), [boxes] * 60)
    assert len(game) == has.sum()
    assert game["centre", "model"].mean() > 0.95 > 0.3 > game["centre", "chance"].mean()
    assert game["mass", "model"].mean() > 3 * game["mass", "chance"].mean()
    asserted = classification.named(NAMES, truth, predicted > 0.5)
    assert 0 < len(asserted) <= has.sum()
    assert generation.texts(Vocabulary(dict.fromkeys(NAMES, 0)))[0] == "Effusion nodule"
    assert len(plots.plot_attention(np.zeros((3, 4), "uint8"), NAMES, maps[0], GRID, list(boxes)).axes) >= 3


def test_the_class_activation_map_is_grad_cam():
    model, (features, _, _) = FindingClassifier(NAMES, CHANNELS), patients(5, 4)
    watched = tf.constant(features)
    for number in range(2):
        with tf.GradientTape() as tape:
            tape.watch(watched)
            logit = model.logits(watched)[:, number]
        weights = tf.reduce_mean(tape.gradient(logit, watched), axis=1)  # (B, D), as Grad-CAM pools the gradients
        cam = np.maximum(np.einsum("brd,bd->br", features, weights), 0)
        maps = model.maps(lambda rows: {"features": features[rows]}, np.arange(5))[:, number]
        np.testing.assert_allclose(maps, cam / cam.sum(axis=1, keepdims=True), atol=1e-5)


def test_where_nothing_speaks_for_a_finding_the_map_is_even():
    model = FindingClassifier(["effusion"], 2)
    model.layer.set_weights([np.ones((2, 1)), np.zeros(1)])
    maps = model.maps(lambda rows: {"features": -np.ones((1, 4, 2), "float32")}, [0])
    np.testing.assert_allclose(maps, np.full((1, 1, 4), 0.25))


def test_a_small_finding_drowns_in_the_mean_and_not_in_the_maximum():
    mean, maximum = (FindingClassifier(["nodule"], 1, pool) for pool in ("mean", "maximum"))
    features = np.zeros((1, R, 1), "float32")
    features[0, 3] = 20
    for model in (mean, maximum):
        model.layer.set_weights([np.ones((1, 1)), np.full(1, -5.0)])
    assert float(mean.logits(features)[0, 0]) < 0 < float(maximum.logits(features)[0, 0])


def test_it_comes_back_from_its_file_and_says_what_it_cannot_be(learnt, tmp_path):
    learnt.save(tmp_path / "classifier.npz")
    again, unseen = FindingClassifier.load(tmp_path / "classifier.npz"), examples(20, 5)
    np.testing.assert_array_equal(again.predict(unseen.read, unseen.rows), learnt.predict(unseen.read, unseen.rows))
    assert (again.names, again.pool) == (NAMES, learnt.pool)
    with pytest.raises(ValueError, match='"mean" or "maximum"'):
        FindingClassifier(NAMES, 3, "median")
    with pytest.raises(ValueError, match="no finding"):
        FindingClassifier([], 3)


def test_the_area_is_the_share_of_pairs_in_the_right_order():
    rng = np.random.default_rng(0)
    scores, truth = rng.integers(0, 8, 50) / 7, rng.random(50) < 0.3
    having, without = scores[truth][:, None], scores[~truth][None]
    by_hand = ((having > without) + 0.5 * (having == without)).mean()
    measure = classification.auc(scores, truth)
    assert measure.estimate == pytest.approx(by_hand)
    weights = np.zeros((1, 50))
    drawn = rng.integers(0, 50, 50)
    np.add.at(weights[0], drawn, 1)
    assert measure.resampled(weights)[0] == pytest.approx(classification.auc(scores[drawn], truth[drawn]).estimate)
    estimate, low, high = corpus_interval(measure, n=300)
    assert low < estimate < high
    assert classification.auc(truth * 1.0, truth).estimate == 1
    assert classification.auc(np.zeros(50), truth).estimate == 0.5


def test_a_finding_that_nobody_has_has_no_area():
    table = classification.auc_table(NAMES, np.random.default_rng(0).random((9, 2)), np.eye(9, 2) * [1, 0], n=20)
    assert table.index.tolist() == NAMES
    assert np.isnan(table.loc["nodule"].drop("cases")).all() and not np.isnan(table.loc["effusion", "AUC"])
