"""What a draft report holds, and its JSON. ``drafting`` makes drafts, ``draft_page`` shows them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from . import findings, paths
from .familiarity import Judgement
from .heatmaps import Boxes
from .sureness import CONSIDERED, DRAWN, LEAST, Sentence

NOTICE = "Draft, not for clinical use"
SURENESS = (
    f"the share of {DRAWN} reports drawn for the same image that say the same of each finding the sentence names "
    f"(side and degree are not compared); marked below {LEAST:.0%}; null where it names no known finding"
)


@dataclass(frozen=True)
class Neighbour:
    """The training case whose image is most like the new one.

    Attributes:
        name: its id in a public data set; of a table of one's own its number, since an id may name a patient.
        image: (H, W) uint8. report: its text in the section that the model writes.
        likeness: the cosine between the features, pooled over the regions and standardised; 1 for the same image.
    """

    name: str
    image: np.ndarray
    report: str
    likeness: float


@dataclass(frozen=True)
class Draft:
    """A draft report of one X-ray. It knows neither path nor file name, and of the header only what was asked for.

    Attributes:
        made: when. kind: "PNG or JPEG" or "DICOM". fingerprint: twelve digits of the SHA-256 of the file.
        image: (H, W) uint8, the view that the model looked at. other: a further one, or None.
        view, other_view: their names, "frontal" or "lateral".
        header: what was asked for of the DICOM header, or the file name if that was asked for.
        sentences: the report with what is known of each sentence.
        log_probs: (T,). grid: (H, W). attention: (T, R), on ``image``, or (T, 2R), then on ``other``.
        rectangles, other_rectangles: the cells in pixels of ``image`` and of ``other``; None where the model did not look.
        beta, alternatives: see ``likelihood.Considered``.
        considered: findings that the draft does not assert and many drawn reports do -> share of these.
        neighbour: the nearest training case.
        familiarity: how far the image is from the training images.
        warnings: what a reader has to know before reading on.
        versions: which program, model, weights and data.
        indication: why the X-ray was taken, as it was given. read_indication: whether the model reads it.
    """

    made: datetime
    kind: str
    fingerprint: str
    image: np.ndarray
    other: np.ndarray | None
    view: str
    other_view: str
    header: Mapping[str, str]
    sentences: Sequence[Sentence]
    log_probs: np.ndarray
    attention: np.ndarray
    grid: tuple[int, int]
    rectangles: Boxes
    beta: np.ndarray | None
    alternatives: Sequence[Sequence[tuple[str, float]]]
    considered: Mapping[str, float]
    neighbour: Neighbour
    familiarity: Judgement
    warnings: Sequence[str]
    versions: Mapping[str, str]
    other_rectangles: Boxes | None = None
    indication: str = ""
    read_indication: bool = False

    @property
    def looked_at_other(self) -> bool:
        """Whether the model looked at the further view, too."""
        return self.other_rectangles is not None

    @property
    def text(self) -> str:
        return " ".join(sentence.text for sentence in self.sentences)

    @property
    def words(self) -> list[str]:
        return [word for sentence in self.sentences for word in sentence.words]

    def to_dict(self) -> dict:
        """Everything but pictures and attention, in plain types."""
        labels = findings.label(self.text)
        judged = self.familiarity
        return {
            "notice": NOTICE,
            "made": self.made.isoformat(timespec="seconds"),
            "image": {
                "kind": self.kind, "sha256": self.fingerprint, "height": self.image.shape[0],
                "width": self.image.shape[1], "view": self.view,
            },
            "other_view": None
            if self.other is None
            else {"view": self.other_view, "seen_by_the_model": self.looked_at_other},
            "indication": {"text": self.indication, "read_by_the_model": self.read_indication} if self.indication else None,
            "header": dict(self.header),
            "warnings": list(self.warnings),
            "text": self.text,
            "sureness_is": SURENESS,
            "sentences": [
                {
                    "text": one.text,
                    "sureness": None if one.sureness is None else round(one.sureness, 3),
                    "marked": one.marked,
                    "findings": dict(one.findings),
                    "words": [
                        {"word": word, "probability": round(float(p), 4)}
                        for word, p in zip(one.words, one.probabilities, strict=True)
                    ],
                }
                for one in self.sentences
            ],
            "findings": {
                status: sorted(name for name, its in labels.items() if its == status)
                for status in ("asserted", "uncertain", "denied")
            },
            "considered_is": f"findings that the draft does not assert and at least {CONSIDERED:.0%} of the drawn reports do",
            "considered": {name: round(share, 3) for name, share in self.considered.items()},
            "neighbour": {
                "study": self.neighbour.name, "report": self.neighbour.report,
                "likeness": round(self.neighbour.likeness, 4),
            },
            "familiarity": {
                "distance": round(judged.distance, 4), "threshold": round(judged.threshold, 4),
                "unfamiliar": judged.unfamiliar, "farther_than": round(judged.beyond, 4),
                "held_out_images": judged.held_out, "quantile": judged.quantile,
            },
            "versions": dict(self.versions),
        }  # fmt: skip

    def save_json(self, path: str | os.PathLike) -> None:
        """Write :meth:`to_dict`, whole or not at all."""
        paths.write_text(path, json.dumps(self.to_dict(), ensure_ascii=False, indent=1) + "\n")
