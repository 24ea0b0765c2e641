"""A GPT-2 that also looks at the regions of the image and at what was found there: the idea of CDGPT2.

Alfarghaly et al., "Automated radiology report generation using conditioned transformers", Informatics in Medicine Unlocked 24,
2021, 100557; the image enters by pseudo self-attention (Ziegler et al., "Encoder-agnostic adaptation for conditional language
generation", arXiv:1908.06938): every layer has keys and values of the image beside those of the words. GPT-2 is Radford et al.,
"Language models are unsupervised multitask learners", 2019. In comparison with the papers: InceptionV3's regions in place of one
vector of a fine-tuned CheXNet; the tags are the findings that the regions are asked for, learnt together with the words, and
their embeddings are learnt too; whole words in place of GPT-2's pieces of words; a bias of the output, which starts from the
frequencies of the words; attention weights are not dropped out; it starts random, or from a GPT-2 in a local file.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops

from .base import ReportModel
from .checklist import Checklist
from .gpt2_weights import load_gpt2
from .parts import Regions, attend, causal, forget, log_frequencies, look_losses, smooth_maximum, written


@keras.saving.register_keras_serializable("mrg_helpers")
class ConditionedGPT(ReportModel):
    """A stack of GPT-2's blocks with the regions and the found tags as extra keys and values in each.

    Args:
        words, grid, channels, note: see :class:`mrg_helpers.models.base.ReportModel`.
        units: U, size of all vectors (768 in GPT-2 and in DistilGPT2). layers: number of blocks (12, and 6). heads: of each
            attention (12); they share the units.
        max_length: M, the most words that can be read.
        dropout: share of the annotations', words' and sublayers' entries that are dropped in training.
        feature_dropout: share of the features' entries that are dropped in training.
        word_dropout: share of the words read in training that become ``<unk>``, so that the model leans on the image.
        concepts: names of C findings that every region is asked for, see :class:`mrg_helpers.models.ShowAttendTell`; training
            then needs ``inputs["concepts"]`` (B, C) and ``inputs["said"]`` (B, T, C). Each has an embedding, which counts as much
            as the finding was found; and what of it is left to say is read with every word.
        concept_weight: of the loss of that question.
        guide: weight of a loss that draws the last layer's attention to the regions that answered, see there.
        pretrained: path of a GPT-2's ``model.safetensors`` of the same sizes, to start from, see
            :func:`mrg_helpers.models.gpt2_weights.load_gpt2`. It is read once, by :meth:`adapt`, and not kept in the ``.keras``
            file.

    Example:
        >>> model = ConditionedGPT(vocabulary.words, grid=(8, 8), channels=2048, units=768, layers=6, heads=12)   # DistilGPT2
        >>> logits = model({"features": features, "tokens": tokens})   # (B, T, V)
    """

    recipe = {"learning_rate": 2e-3, "dropout": 0.2}

    def __init__(
        self, words, grid, channels, note="", units=192, layers=2, heads=4, max_length=90, dropout=0.1, feature_dropout=0.0,
        word_dropout=0.0, concepts: Sequence[str] = (), concept_weight=1.0, guide=0.0, pretrained="", **kwargs,
    ):  # fmt: skip
        super().__init__(words, grid, channels, note, **kwargs)
        if units % heads:
            raise ValueError(f"{units} units cannot be shared by {heads} heads; choose a multiple")
        self.settings = {
            "units": units, "layers": layers, "heads": heads, "max_length": max_length, "dropout": dropout,
            "feature_dropout": feature_dropout, "word_dropout": word_dropout, "concepts": list(concepts),
            "concept_weight": concept_weight, "guide": guide,
        }  # fmt: skip
        self.pretrained = pretrained
        self.longest = max_length
        self.look = Regions(self.regions, units, concepts, dropout, feature_dropout)
        spread = keras.initializers.RandomNormal(stddev=0.02)
        self.tags = keras.layers.Embedding(len(concepts), units, name="tags") if concepts else None
        self.told = Checklist(self.words, concepts, units, past=False) if concepts else None
        self.embed = keras.layers.Embedding(len(self.words), units, spread, name="embed")
        self.place = keras.layers.Embedding(max_length, units, spread, name="place")
        self.blocks = [Block(units, heads, layers, dropout, f"block_{k}") for k in range(layers)]
        self.norm = keras.layers.LayerNormalization(epsilon=1e-5, name="norm")
        self.bias = self.add_weight(shape=(len(self.words),), initializer="zeros", name="bias")
        self.drop = keras.layers.Dropout(dropout)
        self.seed_generator = keras.random.SeedGenerator(0)
        self.make_variables()

    def adapt(self, train) -> None:
        """The output bias: how often each word is said; and GPT-2's weights where a file was named."""
        self.bias.assign(log_frequencies(train.tokens, len(self.words)))
        if self.pretrained:
            variables = {
                name: variable for k, block in enumerate(self.blocks) for name, variable in block.gpt2(f"h.{k}")
            }
            variables |= {"ln_f.weight": self.norm.gamma, "ln_f.bias": self.norm.beta}
            load_gpt2(self.pretrained, variables, self.embed.embeddings, self.place.embeddings, self.words)

    def regard(self, inputs, training=False):
        """What stays the same for all words: each layer's keys and values of the image, the regions before the tags."""
        seen, shown = self.look.look(inputs["features"], training=training)
        memory = {}
        if shown is not None:
            found = ops.sigmoid(smooth_maximum(shown))  # (B, C)
            tags = found[..., None] * self.tags(ops.arange(found.shape[1]))  # (B, C, U)
            seen = ops.concatenate([seen, tags], axis=1)
            memory = {"shown": shown, "found": found}
        return memory | {"image": [block.regard(seen) for block in self.blocks]}

    def start(self, inputs):
        """See :class:`ReportModel`. The cell holds the keys and values of the words so far, in buffers of M places."""
        batch = ops.shape(inputs["features"])[0]
        empty = ops.zeros((batch, self.longest, self.settings["units"]), self.compute_dtype)
        cell = {"count": ops.zeros(batch, "int32"), "words": [(empty, empty) for _ in self.blocks]}
        if self.told is not None:
            cell["told"] = self.told.first(batch)
        return {"memory": self.regard(inputs), "cell": cell}

    def decode(self, tokens, places, visible, told, memory, cached=None, training=False):
        """Words (B, T) at their places (T,) or (B, T), with what the checklist tells (B, T, U), or None -> logits (B, T, V),
        attention (B, T, R), and the keys and values of the words in each layer.

        ``visible`` says which words each may look at; ``cached`` holds the keys and values of the words before a single one.
        """
        layers = []
        words = self.embed(tokens) + self.place(places)
        words = self.drop(words if told is None else words + told, training=training)
        for k, block in enumerate(self.blocks):
            triple = block.read(words)
            if cached is not None:
                old, place = cached[k], places[:, 0]
                triple = (triple[0], *(written(was, new, place) for was, new in zip(old, triple[1:], strict=True)))
            words, weights = block.advance(words, triple, memory["image"][k], visible, training=training)
            layers.append(triple[1:])
        table = ops.cast(self.embed.embeddings, words.dtype)
        logits = ops.matmul(self.norm(words), ops.transpose(table)) + ops.cast(self.bias, words.dtype)
        looked = weights[..., : self.regions] + 1e-9  # the rest went to the tags and the words
        return logits, looked / ops.sum(looked, axis=-1, keepdims=True), layers

    def step(self, tokens, state):
        """See :class:`ReportModel`."""
        cell, memory = state["cell"], state["memory"]
        places = cell["count"][:, None]  # (B, 1)
        visible = (ops.arange(self.longest)[None] <= places)[:, None]  # (B, 1, M)
        new, told = {"count": cell["count"] + 1}, None
        if self.told is not None:
            told, new["told"] = self.told.advance(tokens, memory["found"], cell["told"])
            told = told[:, None]
        logits, looked, new["words"] = self.decode(tokens[:, None], places, visible, told, memory, cell["words"])
        return logits[:, 0], {"memory": memory, "cell": new}, looked[:, 0]

    def call(self, inputs, training=False):
        """See :class:`ReportModel`."""
        tokens, memory = inputs["tokens"], self.regard(inputs, training=training)
        told, judged = (None, None) if self.told is None else self.told.all(tokens, memory["found"])
        if training:
            tokens = forget(tokens, self.settings["word_dropout"], self.seed_generator)
        length = ops.shape(tokens)[1]
        logits, looked, _ = self.decode(tokens, ops.arange(length), causal(length), told, memory, training=training)
        if training and self.tags is not None:
            asked = self.settings["concept_weight"], self.settings["guide"]
            for loss in [*look_losses(inputs, memory["shown"], looked, *asked), self.told.loss(inputs, judged)]:
                self.add_loss(loss)
        return logits


class Block(keras.layers.Layer):
    """One of GPT-2's blocks, with the names of its parts, and a layer for the image."""

    def __init__(self, units: int, heads: int, layers: int, dropout: float, name: str):
        super().__init__(name=name)

        def dense(size, name, stddev=0.02, **settings):
            return keras.layers.Dense(
                size, kernel_initializer=keras.initializers.RandomNormal(stddev=stddev), name=name, **settings
            )

        def norm(name):
            return keras.layers.LayerNormalization(epsilon=1e-5, name=name)

        self.heads = heads
        add = 0.02 * (2 * layers) ** -0.5  # all blocks together add as much to a word as one would
        self.ln_1, self.ln_2 = norm("ln_1"), norm("ln_2")
        self.c_attn, self.c_proj = dense(3 * units, "c_attn"), dense(units, "c_proj", add)
        self.c_fc, self.mlp_c_proj = dense(4 * units, "c_fc"), dense(units, "mlp_c_proj", add)
        self.image = dense(2 * units, "image")
        self.drop = keras.layers.Dropout(dropout)

    def regard(self, seen):
        """Regions and tags (B, R + C, U) -> their keys and values, each (B, R + C, U)."""
        return tuple(ops.split(self.image(seen), 2, axis=-1))

    def read(self, words):
        """Words (B, T, U) -> their queries, keys and values, each (B, T, U)."""
        return tuple(ops.split(self.c_attn(self.ln_1(words)), 3, axis=-1))

    def advance(self, words, triple, image, visible, training=False):
        """Words (B, T, U), what :meth:`read` says of them, and the image -> words, weights (B, T, R + C + T)."""
        query, keys, values = triple
        keys, values = (ops.concatenate([a, b], axis=1) for a, b in zip(image, (keys, values), strict=True))
        always = ops.ones((*ops.shape(visible)[:2], image[0].shape[1]), "bool")
        visible = ops.concatenate([always, visible], axis=-1)
        context, weights = attend(query, keys, values, self.heads, visible)
        words = words + self.drop(self.c_proj(context), training=training)
        thought = self.mlp_c_proj(ops.gelu(self.c_fc(self.ln_2(words)), approximate=True))
        return words + self.drop(thought, training=training), weights

    def gpt2(self, prefix: str):
        """GPT-2's names of the weights that are GPT-2's, each with its variable."""
        for name, norm in (("ln_1", self.ln_1), ("ln_2", self.ln_2)):
            yield from ((f"{prefix}.{name}.weight", norm.gamma), (f"{prefix}.{name}.bias", norm.beta))
        parts = {
            "attn.c_attn": self.c_attn,
            "attn.c_proj": self.c_proj,
            "mlp.c_fc": self.c_fc,
            "mlp.c_proj": self.mlp_c_proj,
        }
        for name, dense in parts.items():
            yield from ((f"{prefix}.{name}.weight", dense.kernel), (f"{prefix}.{name}.bias", dense.bias))
