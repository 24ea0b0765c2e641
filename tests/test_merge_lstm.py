"""What is special about merge and inject; what every model has to hold is in ``test_family.py``."""

import numpy as np
import pytest
from test_family import CHANNELS, CONCEPTS, GRID, WORDS, batch

from mrg_helpers.models import MergeLSTM


def make(**settings):
    model = MergeLSTM(WORDS, GRID, CHANNELS, **{"embedding": 6, "units": 7} | settings)
    for layer in model.told.parts if model.told is not None else ():  # they tell nothing before they have learnt to
        layer.kernel.assign(np.random.default_rng(0).normal(size=layer.kernel.shape))
    return model


@pytest.mark.parametrize("concepts", [[], CONCEPTS], ids=["", "asked"])
def test_merged_words_are_read_without_the_image_and_injected_with_it(concepts):
    inputs, changed = batch(), batch()
    changed["features"] = inputs["features"] + 1

    def states(model, some):
        state = model.start(some)
        for t in range(3):
            _, state, _ = model.step(some["tokens"][:, t], state)
        return state["cell"]["words"][0]

    merge = make(concepts=concepts)
    np.testing.assert_array_equal(states(merge, inputs), states(merge, changed))
    assert np.abs(merge(inputs) - merge(changed)).max() > 1e-4  # and still it is seen
    for inject in ("init", "par"):
        model = make(inject=inject, concepts=concepts)
        assert np.abs(states(model, inputs) - states(model, changed)).max() > 1e-4
        assert bool(model.start(inputs)["memory"]) == (inject == "par")  # the first state alone is soon forgotten


@pytest.mark.parametrize("inject", ["merge", "init", "par"])
def test_the_places_do_not_matter_and_both_views_do(inject):
    model, inputs = make(inject=inject), batch()
    turned = {**inputs, "features": inputs["features"][:, ::-1], "other": inputs["other"][:, ::-1]}
    np.testing.assert_allclose(model(inputs), model(turned), atol=1e-5)
    exchanged = {**inputs, "features": inputs["other"], "other": inputs["features"]}
    assert np.abs(model(inputs) - model(exchanged)).max() > 1e-4
    without = {**inputs, "has_other": np.zeros(3, "float32")}
    assert np.abs(model(inputs) - model(without)).max() > 1e-4
    np.testing.assert_array_equal(model(without), model({**without, "other": inputs["other"] + 5}))


@pytest.mark.parametrize("inject", ["merge", "init", "par"])
def test_what_is_found_is_predicted_and_reaches_the_words(inject):
    model, inputs = make(inject=inject, dropout=0.0, concepts=CONCEPTS), batch()
    before = model(inputs, training=True).numpy()
    assert len(model.losses) == (1 if inject == "init" else 2)  # the findings, and what the sentences have said of them
    unlike = {**inputs, "concepts": 1 - inputs["concepts"]}
    np.testing.assert_array_equal(model(unlike, training=True), before)  # the true ones teach and are not read
    model.find.bias.assign([9.0, -9.0])
    assert (np.abs(model(inputs) - before).max(axis=(0, 2)) > 1e-4).all()


def test_unknown_switches_are_named():
    with pytest.raises(ValueError, match='"merge", "init", "par"'):
        make(inject="pour")
    with pytest.raises(ValueError, match='"gru", "lstm"'):
        make(cell="rnn")
