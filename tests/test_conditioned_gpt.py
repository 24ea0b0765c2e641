"""What is special about the conditioned GPT-2; what every model has to hold is in ``test_family.py``."""

import json
import math

import numpy as np
import pytest

from mrg_helpers.batches import Examples
from mrg_helpers.models import ConditionedGPT, load_model, save_model
from mrg_helpers.models.gpt2_weights import read_safetensors

WORDS = ["<pad>", "<unk>", "<start>", "<end>", "no", "effusion", "large", "."]
GRID, CHANNELS = (2, 3), 5
U, HEADS, LAYERS, TOKENS, PLACES = 8, 2, 2, 11, 20
SMALL = {"units": U, "heads": HEADS, "layers": LAYERS, "max_length": 12}
TRAIN = Examples(lambda rows: {}, [0], [[2, 4, 5, 7, 3]])


def make(**settings):
    return ConditionedGPT(WORDS, GRID, CHANNELS, **SMALL | settings)


def batch(seed=0, size=3, words=4):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(size, 6, CHANNELS)).astype("float32")
    return {"features": features, "tokens": rng.integers(2, len(WORDS), (size, words)).astype("int32")}


def write_safetensors(path, tensors):
    """A file as Hugging Face writes it."""
    header, content = {"__metadata__": {"format": "pt"}}, b""
    for name, values in tensors.items():
        kind = {"float32": "F32", "float16": "F16", "uint8": "U8"}[str(values.dtype)]
        end = len(content) + values.nbytes
        header[name] = {"dtype": kind, "shape": list(values.shape), "data_offsets": [len(content), end]}
        content += values.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + content)
    return path


def gpt2(layers=LAYERS, units=U):
    """The weights of a tiny GPT-2 under GPT-2's names."""
    rng = np.random.default_rng(1)
    shapes = {
        "wte.weight": (TOKENS, units),
        "wpe.weight": (PLACES, units),
        "ln_f.weight": (units,),
        "ln_f.bias": (units,),
    }
    for k in range(layers):
        for name, shape in {
            "ln_1": (units,), "ln_2": (units,), "attn.c_attn": (units, 3 * units), "attn.c_proj": (units, units),
            "mlp.c_fc": (units, 4 * units), "mlp.c_proj": (4 * units, units),
        }.items():  # fmt: skip
            shapes |= {f"h.{k}.{name}.weight": shape, f"h.{k}.{name}.bias": shape[-1:]}
    weights = {name: rng.normal(scale=0.3, size=shape).astype("float32") for name, shape in shapes.items()}
    return weights | {f"h.{k}.attn.bias": np.ones((1, 1, PLACES, PLACES), "uint8") for k in range(layers)}


def store(folder, weights, prefix="", vocabulary=True):
    if vocabulary:
        ids = {"Ġno": 9, "no": 8, "Ġlarge": 3, ".": 1, "eff": 2, "Ġ.": 4}
        (folder / "vocab.json").write_text(json.dumps(ids), encoding="utf-8")
    return write_safetensors(folder / "model.safetensors", {prefix + name: values for name, values in weights.items()})


def adapted(path, **settings):
    model = make(pretrained=str(path), **settings)
    model.adapt(TRAIN)
    return model


def by_hand(weights, vectors):
    """GPT-2 in NumPy, from the words' vectors (T, U) to the last hidden state (T, U)."""

    def norm(x, name):
        x = (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
        return x * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def dense(x, name):
        return x @ weights[f"{name}.weight"] + weights[f"{name}.bias"]

    x, size = vectors, U // HEADS
    for k in range(LAYERS):
        query, key, value = np.split(dense(norm(x, f"h.{k}.ln_1"), f"h.{k}.attn.c_attn"), 3, axis=-1)
        heads = []
        for head in (slice(n * size, (n + 1) * size) for n in range(HEADS)):
            scores = query[:, head] @ key[:, head].T / math.sqrt(size)
            scores = np.exp(np.where(np.tril(np.ones_like(scores)) > 0, scores, -np.inf))
            heads.append(scores / scores.sum(axis=-1, keepdims=True) @ value[:, head])
        x = x + dense(np.concatenate(heads, axis=-1), f"h.{k}.attn.c_proj")
        wide = dense(norm(x, f"h.{k}.ln_2"), f"h.{k}.mlp.c_fc")
        wide = 0.5 * wide * (1 + np.tanh(math.sqrt(2 / math.pi) * (wide + 0.044715 * wide**3)))
        x = x + dense(wide, f"h.{k}.mlp.c_proj")
    return norm(x, "ln_f")


@pytest.mark.parametrize("prefix", ["", "transformer."])
def test_with_gpt2s_weights_and_without_an_image_it_is_gpt2(tmp_path, prefix):
    weights = gpt2()
    model, tokens = adapted(store(tmp_path, weights, prefix)), batch(words=5)["tokens"]
    table = model.embed.embeddings.numpy()
    nothing = np.zeros((3, 0, U), "float32")  # no keys and values but the words'
    places = np.arange(5)
    visible = np.tril(np.ones((1, 5, 5), bool))
    logits, _, _ = model.decode(tokens, places, visible, None, {"image": [(nothing, nothing)] * LAYERS})
    for row in range(3):
        hidden = by_hand(weights, table[tokens[row]] + weights["wpe.weight"][:5])
        np.testing.assert_allclose(logits[row] - model.bias, hidden @ table.T, atol=1e-4)


def test_words_that_are_tokens_take_their_embeddings_and_the_others_stay_random(tmp_path):
    weights = gpt2()
    model = adapted(store(tmp_path, weights))
    table, tokens = model.embed.embeddings.numpy(), weights["wte.weight"]
    for word, token in {"no": 9, "large": 3, ".": 1}.items():
        np.testing.assert_array_equal(table[WORDS.index(word)], tokens[token])
    others = table[[WORDS.index(word) for word in ("<pad>", "<unk>", "<start>", "<end>", "effusion")]]
    assert np.abs(others[:, None] - tokens[None]).max(axis=-1).min() > 1e-3  # none of GPT-2's
    assert 0.4 < others.std() / tokens.std() < 1.6  # and yet as large


def test_without_the_names_of_the_tokens_all_words_stay_random_and_it_says_so(tmp_path):
    path = store(tmp_path, gpt2(), vocabulary=False)
    with pytest.warns(UserWarning, match="vocab.json: not there"):
        model = adapted(path)
    np.testing.assert_array_equal(model.norm.gamma, gpt2()["ln_f.weight"])


def test_once_read_the_file_is_not_needed_again(tmp_path):
    path = store(tmp_path, gpt2())
    model, inputs = adapted(path), batch()
    path.unlink()
    save_model(model, tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model(inputs), again(inputs))
    assert "pretrained" not in again.get_config() and not again.pretrained
    again.adapt(TRAIN)  # goes on without


@pytest.mark.parametrize(
    "settings, weights, message",
    [
        ({"layers": 3}, gpt2(), "there is no h.2.ln_1.weight"),
        ({"layers": 1}, gpt2(), "has 2 layers"),
        ({"units": 4}, gpt2(), r"h.0.ln_1.weight is \(8,\), the model's is \(4,\)"),
        ({"max_length": 21}, gpt2(), "20 places for words; max_length is 21"),
    ],
)
def test_a_file_of_other_sizes_is_refused_by_name(tmp_path, settings, weights, message):
    with pytest.raises(ValueError, match=message):
        adapted(store(tmp_path, weights), **settings)


def test_tensors_are_read_as_they_were_written(tmp_path):
    rng = np.random.default_rng(0)
    tensors = {"a": rng.normal(size=(2, 3)).astype("float32"), "b": rng.normal(size=5).astype("float16")}
    read = read_safetensors(write_safetensors(tmp_path / "a.safetensors", tensors | {"c": np.ones(3, "uint8")}))
    assert set(read) == {"a", "b"}
    for name, values in tensors.items():
        np.testing.assert_array_equal(read[name], values)
        assert read[name].dtype == values.dtype


def test_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.safetensors"):
        read_safetensors(tmp_path / "none.safetensors")
    whole = write_safetensors(tmp_path / "a.safetensors", {"a": np.ones((4, 4), "float32")}).read_bytes()
    for name, content in {
        "text": b"not a file of this kind",
        "cut": whole[:-8],
        "header": whole[:20],
        "few": b"{}",
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"{name}: not a whole safetensors file"):
            read_safetensors(tmp_path / name)


def test_a_tag_counts_as_much_as_it_was_found():
    model, inputs = make(concepts=["effusion", "nodule"]), batch()
    model.look.find.kernel.assign(np.zeros((U, 2)))
    model.look.find.bias.assign([40.0, -40.0])  # the first is found, the second is not
    before = model(inputs).numpy()
    for tag, counts in ((1, False), (0, True)):
        model.tags.embeddings.assign(model.tags.embeddings + np.eye(2)[tag][:, None] * np.arange(U))
        assert (np.abs(model(inputs) - before).max() > 1e-4) == counts


def test_every_layer_looks_at_the_image():
    model, inputs = make(), batch()
    for block in model.blocks:
        before, kernel = model(inputs).numpy(), block.image.kernel.numpy()
        block.image.kernel.assign(-kernel)
        assert np.abs(model(inputs) - before).max() > 1e-6
        block.image.kernel.assign(kernel)
