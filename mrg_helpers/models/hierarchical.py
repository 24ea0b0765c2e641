"""Sentence by sentence: one decoder says what each sentence is about and when to stop, another writes its words.

Jing, Xie and Xing, "On the Automatic Generation of Medical Imaging Reports" (CoAtt), ACL 2018 (arXiv:1711.08195): a sentence
decoder that attends to image and tags, a topic for each sentence, a stop control; Li et al., "Hybrid Retrieval-Generation
Reinforced Agent" (HRGR), NeurIPS 2018 (arXiv:1805.08298), whose sentence decoder chooses for each topic between a template and a
word decoder; Diagnose and Explain (wisdal), with attention for words, too, and an impression conditioned on the findings. In
comparison with them: both decoders are GRUs; the word decoder attends as well, as in Diagnose and Explain alone; the tags are the
findings that the regions are asked for, and a checklist is kept of what has been said; there are no templates (see
:mod:`mrg_helpers.models.retrieve_paraphrase`) and no reinforcement; nobody cuts the report into sentences: the sentence decoder
advances where a word is read that ends one, and decides about ``<end>`` there, so that training runs one loop over the words
and decoding goes word by word, as for every model.

The impression is conditioned on the findings by what the sentence decoder carries along: it reads the last state of the word
decoder, the summary of what the ended sentence has said, so its own state sums up all sentences so far, and the checklist says
which findings they named. With ``target="report"`` the sentences of the findings stand before those of the impression, as
``reports.target_text`` joins them, and so each topic of the impression follows from the findings as they were written.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf
from keras import ops

from ..vocabulary import END, START
from .base import ReportModel
from .checklist import Checklist
from .parts import NEVER, Look, Regions, forget, look_losses, misplaced, smooth_maximum


@keras.saving.register_keras_serializable("mrg_helpers")
class Hierarchical(ReportModel):
    """A sentence decoder with a stop control over a word decoder; both attend to the regions.

    Args:
        words, grid, channels, note: see :class:`mrg_helpers.models.base.ReportModel`.
        embedding: E, size of a word's vector.
        units: U, size of both decoders' states, of a topic and of an annotation.
        attention_units: A, size of the hidden layers that score a region.
        dropout, feature_dropout, word_dropout: see :class:`mrg_helpers.models.ShowAttendTell`.
        concepts: names of C findings that every region is asked for, and the checklist of those that were said, see there; both are
            read with every topic, which learns to say what its sentence asserts. Training then needs ``inputs["concepts"]`` (B, C)
            and ``inputs["said"]`` (B, T, C).
        concept_weight: of the loss of that question.
        guide: weight of a loss that draws the attention of both levels to the regions that answered, see there.
        stop_weight: of the stop control's own loss, its cross-entropy at the ends of sentences; the words teach it besides.

    ``step`` returns the attention of the word level; that of the sentence level, at which the topic was chosen, is kept in the
    state that it returns, as ``state["cell"]["looked"]`` (B, R).
    """

    def __init__(
        self, words, grid, channels, note="", embedding=128, units=256, attention_units=256, dropout=0.3, feature_dropout=0.0,
        word_dropout=0.0, concepts: Sequence[str] = (), concept_weight=1.0, guide=0.0, stop_weight=1.0, **kwargs,
    ):  # fmt: skip
        super().__init__(words, grid, channels, note, **kwargs)
        self.settings = {
            "embedding": embedding, "units": units, "attention_units": attention_units, "dropout": dropout,
            "feature_dropout": feature_dropout, "word_dropout": word_dropout, "concepts": list(concepts),
            "concept_weight": concept_weight, "guide": guide, "stop_weight": stop_weight,
        }  # fmt: skip
        dense = keras.layers.Dense
        self.full_stop = self.words.index(".") if "." in self.words else -1  # without it a report is one sentence
        self.regard = Regions(self.regions, units, concepts, dropout, feature_dropout)
        self.look_sentence, self.look_word = Look(attention_units, "look_sentence"), Look(attention_units, "look_word")
        self.first_sentence = dense(units, "tanh", name="first_sentence")
        self.sentence_cell = keras.layers.GRUCell(units, name="sentence_cell")
        self.to_topic = dense(units, "tanh", name="to_topic")
        self.stop = dense(1, name="stop")
        self.first_word = dense(units, "tanh", name="first_word")
        self.word_cell = keras.layers.GRUCell(units, name="word_cell")
        self.embed = keras.layers.Embedding(len(self.words), embedding, name="embed")
        self.state_to_word = dense(embedding, use_bias=False, name="state_to_word")
        self.context_to_word = dense(embedding, use_bias=False, name="context_to_word")
        self.to_logits = dense(len(self.words), name="to_logits")
        self.told = None
        if concepts:
            self.shown_to_word = dense(embedding, use_bias=False, name="shown_to_word")
            self.told = Checklist(self.words, concepts, units)
            self.will_say = dense(len(concepts), name="will_say")
            self.will_say.build((None, units))  # only training asks it
        self.drop = keras.layers.Dropout(dropout)
        self.seed_generator = keras.random.SeedGenerator(0)
        self.make_variables()

    def start(self, inputs, training=False):
        """Regions, what was found in them, and both decoders before the first sentence: (B, R, D) -> state."""
        annotations, shown = self.regard.look(inputs["features"], training=training)
        memory = {
            "annotations": annotations,
            "sentence_keys": self.look_sentence.key(annotations), "word_keys": self.look_word.key(annotations),
        }  # fmt: skip
        seen = ops.mean(annotations, axis=1)
        nothing, cell = ops.zeros_like(seen), {}
        if shown is not None:
            memory |= {"shown": shown, "found": ops.sigmoid(smooth_maximum(shown))}  # (B, R, C), (B, C)
            seen = ops.concatenate([seen, memory["found"]], axis=-1)
            cell["told"] = self.told.first(ops.shape(seen)[0])
        cell |= {"sentence": self.first_sentence(seen), "topic": nothing, "word": nothing}
        return {"memory": memory, "cell": cell | {"looked": ops.zeros_like(annotations[..., 0])}}

    def next_sentence(self, cell, memory, told):
        """What the cell is if a sentence begins here; ``told`` (B, U) is what the checklist tells, or None."""
        summary = cell["word"]  # of what the last sentence said
        context, looked = self.look_sentence.look(cell["sentence"], memory["sentence_keys"], memory["annotations"])
        sentence, _ = self.sentence_cell(ops.concatenate([summary, context], axis=-1), [cell["sentence"]])
        new = {"sentence": sentence, "looked": looked}
        known = [sentence, context] if told is None else [sentence, context, told]
        topic = self.to_topic(ops.concatenate(known, axis=-1))
        return new | {"topic": topic, "word": self.first_word(topic)}

    def advance(self, word, cell, memory):
        """One word and the last cell -> new cell, context (B, U), weights (B, R).

        The word is embedded (B, E); does a sentence begin behind it (B,); and ``{"told": (B, U)}``, or nothing.
        """
        embedded, begins, each = word
        new = self.next_sentence(cell, memory, each.get("told"))
        cell = {name: ops.where(begins[:, None] > 0, new[name], old) for name, old in cell.items()}
        context, weights = self.look_word.look(cell["word"], memory["word_keys"], memory["annotations"])
        # The topic is where the words start from, and nothing else: beside every word it would be said all at once.
        hidden, _ = self.word_cell(ops.concatenate([embedded, context], axis=-1), [cell["word"]])
        return cell | {"word": hidden}, context, weights

    def read_out(self, embedded, begins, cell, context, training=False):
        """Word (..., B, E), whether a sentence begins (..., B), cell and context (..., B, U) -> logits (..., B, V).

        Between two sentences the stop control has the say: its logit is that of ``<end>`` against all other words.
        """
        joint = embedded + self.state_to_word(cell["word"]) + self.context_to_word(context)
        if self.told is not None:
            joint = joint + self.shown_to_word(ops.tanh(self.regard.find(context)))  # the findings where it looks
        logits = self.to_logits(self.drop(ops.tanh(joint), training=training))
        end = ops.equal(ops.arange(len(self.words)), END)  # (V,)
        others = ops.logsumexp(ops.where(end, NEVER, logits), axis=-1, keepdims=True)
        return ops.where(end & (begins[..., None] > 0), others + self.stop(cell["topic"]), logits)

    def begins(self, tokens):
        """1 where a sentence begins behind a word, else 0."""
        begins = ops.equal(tokens, self.full_stop) | ops.equal(tokens, START)
        return ops.cast(begins, self.compute_dtype)

    def step(self, tokens, state):
        """See :class:`ReportModel`."""
        embedded, memory, begins = self.embed(tokens), state["memory"], self.begins(tokens)
        cell, new, each = dict(state["cell"]), {}, {}
        if self.told is not None:
            each["told"], new["told"] = self.told.advance(tokens, memory["found"], cell.pop("told"))
        cell, context, weights = self.advance((embedded, begins, each), cell, memory)
        return self.read_out(embedded, begins, cell, context), {"memory": memory, "cell": cell | new}, weights

    def call(self, inputs, training=False):
        """See :class:`ReportModel`."""
        state = self.start(inputs, training=training)
        memory, cell, each, judged = state["memory"], state["cell"], {}, None
        words = ops.transpose(inputs["tokens"])  # (T, B): a scan walks along the first axis
        begins = self.begins(words)  # a sentence that is read in part begins where it began
        if self.told is not None:
            cell.pop("told")
            told, judged = self.told.all(inputs["tokens"], memory["found"])
            each["told"] = ops.transpose(told, (1, 0, 2))
        if training:
            words = forget(words, self.settings["word_dropout"], self.seed_generator)
        embedded = self.drop(self.embed(words), training=training)  # (T, B, E)

        def one_word(previous, word):
            return self.advance(word, previous[0], memory)

        first = (cell, ops.zeros_like(cell["word"]), ops.zeros_like(cell["looked"]))
        cells, contexts, weights = tf.scan(one_word, (embedded, begins, each), initializer=first)
        if training:
            cells_of = {name: ops.transpose(cells[name], (1, 0, 2)) for name in ("topic", "looked")}
            self.add_losses(inputs, memory, cells_of, ops.transpose(weights, (1, 0, 2)), judged)
        logits = self.read_out(embedded, begins, cells, contexts, training=training)
        return ops.transpose(logits, (1, 0, 2))

    def add_losses(self, inputs, memory, cells, weights, judged):
        """What training asks for besides the words; ``cells`` (B, T, ...), ``weights`` (B, T, R), ``judged`` of the checklist."""
        tokens = inputs["tokens"]
        begins = self.begins(tokens)
        following = ops.pad(tokens[:, 1:], [[0, 0], [0, 1]], constant_values=END)  # the longest report ends there
        stops = ops.cast(ops.equal(following, END), begins.dtype)[..., None]
        losses = keras.losses.binary_crossentropy(stops, self.stop(cells["topic"]), from_logits=True)
        self.add_loss(self.settings["stop_weight"] * mean_where(losses, begins))
        if self.told is None:
            return
        guide, said = self.settings["guide"], inputs["said"]
        for loss in look_losses(inputs, memory["shown"], weights, self.settings["concept_weight"], guide):
            self.add_loss(loss)
        if guide:
            self.add_loss(guide * misplaced(cells["looked"], said, ops.stop_gradient(memory["shown"])))
        ahead = keras.losses.binary_crossentropy(said, self.will_say(cells["topic"]), from_logits=True)
        self.add_loss(len(self.settings["concepts"]) * mean_where(ahead, begins))
        self.add_loss(self.told.loss(inputs, judged))


def mean_where(losses, mask):
    """The mean of the losses where the mask is 1, both (B, T); 0 where it never is."""
    return ops.sum(losses * mask) / ops.maximum(ops.sum(mask), 1)
