"""Know, retrieve, paraphrase: the image becomes a graph of findings, the graph chooses sentences, a decoder rewords them.

Li, Liang, Hu and Xing, "Knowledge-driven encode, retrieve, paraphrase for medical image report generation" (KERP), AAAI 2019
(arXiv:1903.10122). In comparison with the paper: the nodes of the graph are the findings that the training reports assert, and
each gathers its evidence from the regions that answer with it; the attention between nodes is that of a Transformer, to which
the adjacency adds; one graph, whose adjacency starts from which findings the training reports name together, where the paper has
abnormalities and their attributes; templates are mined, one sentence for each thing that reports say, and chosen one by one, each
with a probability, in the order in which reports say them; one small decoder rewords them all together, with attention over their
words, from which it may copy (See et al., ACL 2017, arXiv:1704.04368), and over the regions. With ``paraphrase=False`` it is pure
retrieval: the chosen templates are the report.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from ..vocabulary import END, PAD, UNK
from .base import ReportModel
from .checklist import Checklist
from .finding_graph import FindingGraph, TemplateChoice, together
from .parts import Look, Regions, forget, found_loss, misplaced

SURE = 12.0  # the logit of a word that is written because it stands there; all others have 0


@keras.saving.register_keras_serializable("mrg_helpers")
class RetrieveParaphrase(ReportModel):
    """Templates chosen by a graph of findings, reworded or as they are.

    Args:
        words, grid, channels, note: see :class:`mrg_helpers.models.base.ReportModel`.
        concepts: names of C findings, the nodes of the graph; training then needs ``inputs["concepts"]`` (B, C), and
            ``inputs["said"]`` (B, T, C) for the guide.
        templates: K sentences, in the order in which a report says them, see :func:`mrg_helpers.templates.mined`; training then
            needs ``inputs["templates"]`` (B, K), 1 where the report says what the template says.
        paraphrase: reword them; otherwise the report is the likely templates as they are, and words teach nothing.
        retrieved: k, the most templates of a report, those with the highest probability. The decoder reads them all, weighted by
            their probability; pure retrieval writes those that are likelier than not, and at least one.
        layers: how often the nodes of the graph read each other.
        embedding: E, size of a word's vector. units: U, of the decoder's state, of an annotation and of a node.
        attention_units: A, size of the hidden layer that scores a region or a template's word.
        dropout, feature_dropout, word_dropout, guide: see :class:`mrg_helpers.models.ShowAttendTell`.
        concept_weight: of the losses of the findings and of the templates.

    The attention of ``step`` is the decoder's over the regions; in pure retrieval it is where the findings were seen for which
    the word's template was chosen.
    """

    recipe = {"dropout": 0.2}

    def __init__(
        self, words, grid, channels, note="", concepts: Sequence[str] = (), templates: Sequence[str] = (), paraphrase=True,
        retrieved=8, layers=2, embedding=128, units=256, attention_units=256, dropout=0.3, feature_dropout=0.0,
        word_dropout=0.0, concept_weight=1.0, guide=0.0, **kwargs,
    ):  # fmt: skip
        super().__init__(words, grid, channels, note, **kwargs)
        if not concepts or not templates:
            raise ValueError(
                "this model needs findings and templates to choose by them: set concepts, or another model"
            )
        self.settings = {
            "concepts": list(concepts), "templates": list(templates), "paraphrase": paraphrase, "retrieved": retrieved,
            "layers": layers, "embedding": embedding, "units": units, "attention_units": attention_units, "dropout": dropout,
            "feature_dropout": feature_dropout, "word_dropout": word_dropout, "concept_weight": concept_weight, "guide": guide,
        }  # fmt: skip
        self.kept, encode = min(retrieved, len(templates)), self.vocabulary.encode
        ids = [[word for word in encode(text)[1:-1] if word != UNK] for text in templates]
        self.template_words = np.full((len(ids), max(map(len, ids))), PAD, "int32")  # (K, L)
        for row, sentence in zip(self.template_words, ids, strict=True):
            row[: len(sentence)] = sentence
        self.regard = Regions(self.regions, units, concepts, dropout, feature_dropout)
        self.graph = FindingGraph(len(concepts), units, layers)
        self.choose = TemplateChoice(len(templates), units)
        if paraphrase:
            dense = keras.layers.Dense
            self.look_region, self.look_template = (
                Look(attention_units, f"look_{name}") for name in ("region", "template")
            )
            self.follow = dense(attention_units, use_bias=False, name="follow")
            self.first = dense(units, "tanh", name="first")
            self.embed = keras.layers.Embedding(len(self.words), embedding, name="embed")
            self.cell = keras.layers.GRUCell(units, name="cell")
            names = ("state", "context", "template", "shown")
            self.to_word = [dense(embedding, use_bias=False, name=f"{name}_to_word") for name in names]
            self.to_logits = dense(len(self.words), name="to_logits")
            # At first it seldom copies: it cannot yet read templates, and what it copies it does not learn to say.
            self.copy = dense(1, bias_initializer=keras.initializers.Constant(-3.0), name="copy")
            self.told = Checklist(self.words, concepts, embedding, past=False)
            self.drop = keras.layers.Dropout(dropout)
            self.seed_generator = keras.random.SeedGenerator(0)
        self.make_variables()

    def adapt(self, train) -> None:
        """The adjacency of the graph: how much oftener the training reports name two findings together than by chance."""
        if train.concepts is not None:
            self.graph.adjacency.assign(together(np.asarray(train.concepts, "float32")))

    def retrieve(self, inputs, training=False):
        """What the image shows and which templates that calls for: (B, R, D) -> memory."""
        annotations, shown = self.regard.look(inputs["features"], training=training)
        nodes, where, found = self.graph.infer(annotations, shown)
        chances, why = self.choose.judge(nodes, ops.sigmoid(found))  # logits (B, K), (B, K, C)
        return {
            "annotations": annotations, "shown": shown, "found": found, "chosen": chances,
            "where": ops.einsum("bkc,bcr->bkr", why, where),
        }  # fmt: skip

    def best(self, memory):
        """The k likeliest templates in the order of a report: their numbers and probabilities (B, k), and words (B, k, L)."""
        chances = ops.sigmoid(memory["chosen"])
        numbers = ops.sort(ops.top_k(chances, self.kept)[1], axis=1)
        return numbers, ops.take_along_axis(chances, numbers, axis=1), ops.take(self.template_words, numbers, axis=0)

    def written(self, memory):
        """The report of pure retrieval: words (B, P), ``<end>`` behind the last, and the template that each is of (B, P)."""
        numbers, chances, words = self.best(memory)
        likely = ops.logical_or(chances > 0.5, ops.equal(chances, ops.max(chances, axis=1, keepdims=True)))
        kept = ops.logical_and(likely[..., None], ops.not_equal(words, PAD))  # (B, k, L)
        kept, words, owners = flat(kept), flat(words), ops.repeat(numbers, words.shape[2], axis=1)
        places = ops.arange(words.shape[1] + 1)[None]  # (1, P)
        order = ops.argsort(ops.where(kept, places[:, :-1], words.shape[1]), axis=1)  # what is kept comes first
        count = ops.sum(ops.cast(kept, "int32"), axis=1, keepdims=True)
        words, owners = (ops.take_along_axis(some, order, axis=1) for some in (words, owners))
        words, owners = ops.pad(words, [[0, 0], [0, 1]]), ops.pad(owners, [[0, 0], [0, 1]])
        return ops.where(places < count, words, ops.where(places == count, END, PAD)), owners

    def start(self, inputs, training=False):
        """See :class:`ReportModel`."""
        memory = self.retrieve(inputs, training=training)
        if not self.settings["paraphrase"]:
            memory["words"], memory["owners"] = self.written(memory)
            return {"memory": memory, "cell": {"count": ops.zeros_like(memory["words"][:, 0])}}
        _, chances, words = self.best(memory)
        there = ops.cast(ops.not_equal(words, PAD), self.compute_dtype)  # (B, k, L)
        read = self.embed(words) * chances[..., None, None]  # (B, k, L, E): as likely as their template
        read, there, words = (flat(some) for some in (read, there, words))
        memory |= {
            "words": words, "there": there, "read": read,
            "word_keys": self.look_template.key(read), "keys": self.look_region.key(memory["annotations"]),
        }  # fmt: skip
        seen = ops.concatenate([ops.mean(memory["annotations"], axis=1), ops.sigmoid(memory["found"])], axis=-1)
        nothing, told = ops.zeros_like(there), self.told.first(ops.shape(seen)[0])
        return {
            "memory": memory,
            "cell": {"hidden": self.first(seen), "covered": nothing, "last": nothing, "told": told},
        }

    def advance(self, embedded, cell, memory):
        """One word (B, E) and the last cell -> new cell, context (B, U), template (B, E), weights of the regions (B, R)."""
        query = ops.concatenate([cell["hidden"], embedded], axis=-1)
        context, weights = self.look_region.look(query, memory["keys"], memory["annotations"])
        ahead = ops.pad(cell["last"][:, :-1], [[0, 0], [1, 0]])  # one word on from where it read last
        keys = memory["word_keys"] + self.follow(ops.stack([cell["covered"], ahead], axis=-1))
        template, reading = self.look_template.look(query, keys, memory["read"], memory["there"])
        hidden, _ = self.cell(ops.concatenate([embedded, context, template], axis=-1), [cell["hidden"]])
        return {"hidden": hidden, "covered": cell["covered"] + reading, "last": reading}, context, template, weights

    def read_out(self, embedded, cell, context, template, memory, training=False):
        """Words (..., B, E), cells, contexts and templates -> logits (..., B, V): words of its own, or of the templates."""
        shown = ops.tanh(self.regard.find(context))  # the findings where it looks
        parts = zip(self.to_word, (cell["hidden"], context, template, shown), strict=True)
        joint = self.drop(ops.tanh(embedded + sum(layer(part) for layer, part in parts)), training=training)
        copying, size = ops.sigmoid(self.copy(joint)), len(self.words)
        copied = ops.einsum("...bp,bpv->...bv", cell["last"], ops.one_hot(memory["words"], size))
        own = ops.softmax(self.to_logits(joint), axis=-1)
        return ops.log((1 - copying) * own + copying * copied + 1e-8)

    def step(self, tokens, state):
        """See :class:`ReportModel`."""
        memory, cell = state["memory"], state["cell"]
        if not self.settings["paraphrase"]:
            place = ops.minimum(cell["count"], memory["words"].shape[1] - 1)[:, None]
            word, owner = (ops.take_along_axis(memory[name], place, axis=1)[:, 0] for name in ("words", "owners"))
            weights = tf.gather(memory["where"], owner, batch_dims=1)
            return (
                SURE * ops.one_hot(word, len(self.words)),
                {"memory": memory, "cell": {"count": cell["count"] + 1}},
                weights,
            )
        told, ticked = self.told.advance(tokens, ops.sigmoid(memory["found"]), cell["told"])
        embedded = self.embed(tokens) + told
        cell, context, template, weights = self.advance(embedded, cell, memory)
        logits = self.read_out(embedded, cell, context, template, memory)
        return logits, {"memory": memory, "cell": cell | {"told": ticked}}, weights

    def call(self, inputs, training=False):
        """See :class:`ReportModel`."""
        state, words = self.start(inputs, training=training), ops.transpose(inputs["tokens"])  # (T, B)
        memory, weights = state["memory"], None
        if self.settings["paraphrase"]:
            if training:
                words = forget(words, self.settings["word_dropout"], self.seed_generator)
            told, judged = self.told.all(inputs["tokens"], ops.sigmoid(memory["found"]))  # (B, T, E), (B, T, C)
            embedded = self.drop(self.embed(words) + ops.transpose(told, (1, 0, 2)), training=training)  # (T, B, E)
            first = {name: cell for name, cell in state["cell"].items() if name != "told"}
            first = (first, *(ops.zeros_like(memory[name][:, 0]) for name in ("annotations", "read")))
            first = (*first, ops.zeros_like(memory["where"][:, 0]))
            cells, contexts, templates, weights = tf.scan(
                lambda last, word: self.advance(word, last[0], memory), embedded, initializer=first
            )
            logits = self.read_out(embedded, cells, contexts, templates, memory, training=training)
            logits, weights = ops.transpose(logits, (1, 0, 2)), ops.transpose(weights, (1, 0, 2))
        else:
            places = ops.minimum(ops.arange(ops.shape(words)[0]), memory["words"].shape[1] - 1)
            logits = SURE * ops.one_hot(ops.take(memory["words"], places, axis=1), len(self.words))
        if training:
            weight = self.settings["concept_weight"]
            self.add_loss(found_loss(inputs["concepts"], memory["found"], weight))
            self.add_loss(found_loss(inputs["templates"], memory["chosen"], weight))
            if weights is not None:
                self.add_loss(self.told.loss(inputs, judged))
            if self.settings["guide"] and weights is not None:
                shown = ops.stop_gradient(memory["shown"])
                self.add_loss(self.settings["guide"] * misplaced(weights, inputs["said"], shown))
        return logits


def flat(some):
    """(B, k, L, ...) -> (B, k * L, ...)."""
    return ops.reshape(some, (-1, some.shape[1] * some.shape[2], *some.shape[3:]))
