"""The traced search is the search of ``decoding``, with its tree."""

import numpy as np
import pytest
from test_decoding import model, read  # noqa: F401  (fixtures)
from test_models import WORDS

from mrg_helpers import beam_trace
from mrg_helpers.decoding import Decoding, generate
from mrg_helpers.vocabulary import PAD

SETTINGS = [
    Decoding("beam", 8, beams=beams, length_penalty=alpha, block_ngrams=block)
    for beams, alpha, block in [(1, 0.7, 0), (3, 0.0, 0), (3, 0.7, 0), (4, 2.0, 2), (4, 0.0, 1), (60, 0.7, 0)]
]


def name(settings):
    return f"K={settings.beams} alpha={settings.length_penalty} block={settings.block_ngrams}"


@pytest.mark.parametrize("settings", SETTINGS, ids=name)
def test_the_winner_is_the_report_of_generate(model, read, settings):  # noqa: F811
    for study in range(5):
        written = generate(model, read, [study], settings)
        tree = beam_trace.trace(model, read([study]), settings)
        path = tree.path(tree.beams[-1][0])
        wanted = [WORDS[token] for token in written.tokens[0] if token != PAD]
        assert [tree.nodes[node].word for node in path] == wanted
        found = [tree.nodes[node].log_prob for node in path]
        np.testing.assert_allclose(found, written.log_probs[0, : len(path)], atol=1e-4)
        assert tree.text(path[-1]) == written.texts(model.vocabulary)[0]


@pytest.mark.parametrize("settings", SETTINGS, ids=name)
def test_the_tree_holds_together(model, read, settings):  # noqa: F811
    tree = beam_trace.trace(model, read([0]), settings)
    for number, node in enumerate(tree.nodes[1:], 1):
        parent = tree.nodes[node.parent]
        assert node.parent < number and node.step == parent.step + 1
        assert parent.kept and not parent.finished, "only what was kept goes on"
        assert node.total == pytest.approx(parent.total + node.log_prob, abs=1e-4)
        assert node.score == pytest.approx(node.total / ((5 + node.step) / 6) ** settings.length_penalty, abs=1e-4)
        assert node.finished == (node.word == "<end>")
        assert node.kept == (number in tree.beams[node.step])
    for step, beams in enumerate(tree.beams):
        assert len(beams) == len(set(beams)) <= settings.beams
        scores = [tree.nodes[node].score for node in beams]
        assert scores == sorted(scores, reverse=True), "the best first"
        assert all(tree.nodes[node].step == step or tree.nodes[node].finished for node in beams)
        dropped = [node.score for node in tree.nodes if node.step == step and not node.kept]
        assert max(dropped, default=-np.inf) <= min(scores) + 1e-6, "nothing better than what was kept was dropped"


def test_alternatives_are_written_down_even_for_one_beam(model, read):  # noqa: F811
    settings = Decoding("beam", 5, beams=1)
    narrow, wide = (beam_trace.trace(model, read([0]), settings, alternatives) for alternatives in (1, 4))
    assert all(node.kept for node in narrow.nodes)
    assert [sum(node.step == 1 for node in tree.nodes) for tree in (narrow, wide)] == [1, 4]
    assert narrow.text(narrow.beams[-1][0]) == wide.text(wide.beams[-1][0])


def test_blocked_words_are_no_alternatives(model, read):  # noqa: F811
    tree = beam_trace.trace(model, read([0]), Decoding("beam", 8, beams=2, block_ngrams=1), alternatives=99)
    for number in range(1, len(tree.nodes)):
        words = [tree.nodes[node].word for node in tree.path(number)]
        assert len(words) == len(set(words))
    assert not {"<pad>", "<unk>", "<start>"} & {node.word for node in tree.nodes[1:]}


def test_refuses_another_method_and_several_studies(model, read):  # noqa: F811
    with pytest.raises(ValueError, match="only a beam leaves a tree: the method is 'greedy'"):
        beam_trace.trace(model, read([0]), Decoding())
    with pytest.raises(ValueError, match="one study, not of 2"):
        beam_trace.trace(model, read([0, 1]), Decoding("beam"))


def test_another_setting_compiles_nothing(model, read):  # noqa: F811
    """A reader moves sliders: each search must come at once, the first with other settings too."""
    beam_trace.trace(model, read([0]), Decoding("beam", 8))
    before = beam_trace._search.experimental_get_tracing_count()
    for settings in SETTINGS:
        beam_trace.trace(model, read([1]), settings, alternatives=settings.beams)
    assert beam_trace._search.experimental_get_tracing_count() == before
