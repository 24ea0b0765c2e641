"""A draft report for a new X-ray: the trained model, and everything a reader needs in order not to trust it blindly.

Loading takes a quarter of a minute; after it a draft takes seconds. So make one :class:`Drafter` for several images, or give them
to :func:`draft` together. The command line is ``python -m mrg_helpers draft IMAGE``. Not for clinical use.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from . import __version__, dicom, draft_page, images, stages, sureness
from .baselines import Cases, NearestNeighbour
from .drafts import Draft, Neighbour
from .familiarity import Familiarity
from .stages import Settings

FILE_NAME = "FileName"  # not of DICOM; may be included like an attribute of its header
PUBLIC = ("phantom", "iu_xray")  # data sets whose ids name nobody


class NotTrained(RuntimeError):
    """There is no trained model for the settings."""


class Drafter:
    """A trained model with its image network and its training cases, ready to draft.

    Args:
        settings: of the model; the demo profile's by default.
        train: make what is missing (the data, the features, the trained model), which may take long. It is said on the screen.

    Raises:
        NotTrained: if there is no trained model and ``train`` is not set. The message says what to do.
        RuntimeError: if the weights of the image network are not those of the features that the model learnt from.
    """

    def __init__(self, settings: Settings | None = None, train: bool = False):
        self.settings = settings = settings or Settings()
        if not (train or stages.is_trained(settings)):
            raise NotTrained(
                f"no model is trained for these settings yet (it would lie in {stages.artefact_folder(settings, 'model')}). "
                "Add --train (train=True) to make everything now, about ten minutes for the demo profile on two cores; "
                "or first run the notebooks with the same options: python -m mrg_helpers run"
            )
        self.model, self.read = stages.ensure_model(settings), stages.reader(settings)
        self.cache = self.read.cache
        self.network = stages.new_extractor(settings)
        for cache in filter(None, (self.cache, self.read.other)):
            if self.network.fingerprint != cache.manifest["weights_fingerprint"]:
                raise RuntimeError(
                    f"{cache.folder}: these features were made with other weights of {cache.manifest['network']} than "
                    f"{self.network.weights.path} holds now; delete the folder and train again"
                )
        table = stages.ensure_studies(settings).table
        texts = np.array(stages.target_texts(table, settings.target), object)
        rows = np.array([self.cache.index[study_id] for study_id in table["study_id"]])
        train_rows = (table["split"] == "train").to_numpy()
        self._known = np.flatnonzero(train_rows & (texts != ""))
        self._table, self._texts, self._rows = table, texts, rows
        train_vectors = self.cache.pooled(rows[train_rows])
        held_out = self.cache.pooled(rows[(table["split"] == "val").to_numpy()])
        self.familiarity = Familiarity().fit(train_vectors, held_out)
        with_text = texts[train_rows] != ""
        self.neighbours = NearestNeighbour().fit(Cases(texts[self._known], train_vectors[with_text]))
        self.versions = self._versions(len(train_vectors))
        self._write(
            np.zeros((2, 2), np.uint8)
        )  # compiles everything, so that the first draft is as quick as the others

    def _versions(self, learnt: int) -> dict[str, str]:
        folder, manifest = stages.artefact_folder(self.settings, "model"), self.cache.manifest
        trained = datetime.fromtimestamp((folder / "finished").stat().st_mtime).astimezone()
        digest = hashlib.sha256((folder / "model.keras").read_bytes()).hexdigest()[:12]
        return {
            "program": f"mrg_helpers {__version__}",
            "model": f"{self.settings.model}, settings {folder.name.rpartition('-')[2]}, file {digest}",
            "trained": trained.isoformat(timespec="seconds"),
            "training data": f"{self.settings.dataset}, {learnt} studies, images {manifest['images_fingerprint']}",
            "section": self.settings.target,
            "image network": f"{manifest['network']} up to {self.settings.layer} at {self.settings.image_size} pixels, "
            f"weights {manifest['weights']} {manifest['weights_fingerprint']}",
        }

    def _see(self, image: np.ndarray):
        """An image -> what the network says of it (1, R, D), and the fit."""
        square, fit = images.fit(image, self.settings.image_size, self.settings.resize)
        return self.network(square[None]), fit

    def _write(self, image: np.ndarray, other: np.ndarray | None = None, indication: str = ""):
        """An image, and perhaps the other view and the indication -> features (1, R, D) of the image; the greedy report and
        ``sureness.DRAWN`` drawn ones, each a Generation; what was considered at each word of the greedy one; the fit of each
        view that the model looked at."""
        from .decoding import Decoding, generate
        from .likelihood import considered

        looks_at_both = "other" in self.model.needs and other is not None
        seen = [self._see(view) for view in ([image, other] if looks_at_both else [image])]
        raw, further = seen[0][0], seen[1][0] if looks_at_both else None
        inputs = self.read.new(raw, further, indication)
        longest = self.settings.max_length

        def read(rows):
            return {name: value[rows] for name, value in inputs.items()}

        best = generate(self.model, read, [0], Decoding(max_length=longest))
        drawn = generate(self.model, read, [0] * sureness.DRAWN, Decoding("sample", max_length=longest))
        padding = longest - best.tokens.shape[1]  # of one shape for all reports, so that it is compiled once
        thought = considered(self.model, read, [0], np.pad(best.tokens, [(0, 0), (0, padding)]))
        return inputs["features"], best, drawn, thought, [fit for _, fit in seen]

    def __call__(
        self,
        image: str | os.PathLike,
        lateral: str | os.PathLike | None = None,
        include: Sequence[str] = (),
        indication: str = "",
    ) -> Draft:
        """Draft a report.

        Args:
            image: a PNG, JPEG or DICOM file: the view that the model learnt from (``settings.view``).
            lateral: a further view: read by a model of two views, else only shown. A model of lateral views reads this one, and
                ``image`` is the one only shown.
            indication: why the X-ray was taken, for a model that reads it. The draft says whether it did.
            include: what of ``image``'s DICOM header goes into the draft, as keywords such as ``"PatientID"``; and ``"FileName"``.

        Raises:
            ImageError, DicomError: for a file that cannot be used, or a header attribute that does not exist.
        """
        header = included(image, include)
        seen, other = (lateral, image) if lateral and self.settings.view == "lateral" else (image, lateral)
        picture, further = images.read(seen), images.read(other) if other else None
        features, best, drawn, thought, fits = self._write(picture, further, indication)
        vocabulary = self.model.vocabulary
        words, count = vocabulary.tokens(best.words(0)), int(best.lengths[0])
        texts = drawn.texts(vocabulary)
        sentences = sureness.judge(words, best.log_probs[0, :count], texts)
        pooled = features.mean(axis=1)
        familiarity = self.familiarity.judge(pooled[0])
        view, other_view = self.settings.view, "frontal" if self.settings.view == "lateral" else "lateral"
        return Draft(
            made=datetime.now().astimezone(),
            kind="DICOM" if images.is_dicom(seen) else "PNG or JPEG",
            fingerprint=fingerprint(image),
            image=picture,
            other=further,
            view=view,
            other_view=other_view,
            header=header,
            sentences=sentences,
            log_probs=best.log_probs[0, :count],
            attention=(best if len(fits) > 1 else best.of_view(0)).attention[0, :count],
            grid=best.grid,
            rectangles=fits[0].box,
            other_rectangles=fits[1].box if len(fits) > 1 else None,
            beta=None if thought.beta is None else thought.beta[0, :count],
            alternatives=thought.alternatives(vocabulary, 0, count),
            considered=sureness.considered(" ".join(one.text for one in sentences), texts),
            neighbour=self._neighbour(pooled),
            familiarity=familiarity,
            warnings=[
                *self._warnings(familiarity, bool(sentences), [path for path in (image, lateral) if path]),
                *self._missing(bool(other), bool(indication)),
            ],
            versions=self.versions,
            indication=indication,
            read_indication="indication" in self.model.needs,
        )

    def _neighbour(self, pooled: np.ndarray) -> Neighbour:
        nearest, likeness = self.neighbours.nearest(Cases([""], pooled))
        place = int(self._known[nearest[0]])
        name = self._table["study_id"].iloc[place] if self.settings.dataset in PUBLIC else f"number {place + 1}"
        path = self.cache.rows["path"].iloc[self._rows[place]]
        return Neighbour(name, images.read(path), self._texts[place], float(likeness[0]))

    def _warnings(self, judged, wrote: bool, files: Sequence[str | os.PathLike]) -> list[str]:
        found = []
        if judged.unfamiliar:
            found.append(
                "This picture is unlike the X-rays that the model learnt from, so what it writes here means nothing "
                f"({judged.distance:.1f} times the usual distance to them; more than {judged.threshold:.1f} is suspicious)."
            )
        if self.settings.dataset == "phantom":
            found.append("The model learnt from synthetic patients only. It knows nothing about people.")
        if self.cache.note:
            found.append(f"The model reads {self.cache.note}: it shows the method, not what better features reach.")
        if not wrote:
            found.append("The model wrote nothing.")
        if any(images.is_dicom(file) and dicom.text_may_be_burnt_in(file) for file in files):
            found.append("The file says that text is burnt into its picture; it may name the patient.")
        return found

    def _missing(self, other: bool, indication: bool) -> list[str]:
        """What the model reads and was not given."""
        wanted = {"other": (other, "a second view of the chest"), "indication": (indication, "why the X-ray was taken")}
        needed = [what for name, (given, what) in wanted.items() if name in self.model.needs and not given]
        return [f"The model also reads {what}, which was not given." for what in needed]


def fingerprint(path: str | os.PathLike) -> str:
    """Twelve hexadecimal digits of the SHA-256 of a file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]


def included(path: str | os.PathLike, names: Sequence[str]) -> dict[str, str]:
    """What was asked for of an image file: attributes of its DICOM header, and ``FileName``, without its folder.

    Raises:
        ImageError, DicomError: if the file is none, a name is unknown, or header attributes are asked of a PNG or JPEG file.
    """
    of_header = [name for name in names if name != FILE_NAME]
    for name in of_header:
        dicom.check_name(name)
    if of_header and not images.is_dicom(path):
        raise images.ImageError(
            f"{path}: no DICOM file, so it has no {', '.join(of_header)} to include; leave that out"
        )
    found = dicom.header(path, of_header) if of_header else {}
    return {name: Path(path).name if name == FILE_NAME else found[name] for name in names}


def draft(
    image: str | os.PathLike | Sequence[str | os.PathLike],
    *,
    lateral: str | os.PathLike | None = None,
    out: str | os.PathLike | None = None,
    json: str | os.PathLike | None = None,
    include: Sequence[str] = (),
    indication: str = "",
    settings: Settings | None = None,
    train: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> Draft | list[Draft]:
    """Draft the report of a new X-ray, or of several, and write the page that shows it. Not for clinical use.

    Args:
        image: a PNG, JPEG or DICOM file, or several; the model is loaded once.
        lateral: a lateral view of the same patient, with one image; only a model of two views looks at it.
        out: the page to write, ``.html``. For several images, or where it is a folder: a folder, in which each page is called
            ``draft-`` and twelve digits of the SHA-256 of the image file.
        json: the same for the JSON file.
        include, indication: see :class:`Drafter`; an indication belongs to one image too. settings, train: see there.
        say: is told of each file that was written.

    Returns:
        The draft; a list of them for several images.

    Raises:
        NotTrained, ImageError, DicomError: see :class:`Drafter`.
        ValueError: for a page that is not called ``.html``, or a lateral view or an indication beside several images.

    Example:
        >>> mrg_helpers.draft("new.dcm", out="draft.html", include=["PatientID"]).text  # doctest: +SKIP
        'Heart size is normal. The lungs are clear.'
    """
    several = not isinstance(image, (str, os.PathLike))
    files = list(image) if several else [image]
    for given, what in ((lateral, "a lateral view"), (indication, "an indication")):
        if given and len(files) != 1:
            raise ValueError(f"{what} belongs to one image, and there are {len(files)}; draft them one by one")
    for path in [*files, *filter(None, [lateral])]:  # wrong input is told before the model is loaded
        images.check(path)
    for path in files:
        included(path, include)
    targets = [(path, _target(out, several, path, ".html"), _target(json, several, path, ".json")) for path in files]
    drafter, drafts = Drafter(settings, train), []
    for path, page, data in targets:
        drafts.append(drafter(path, lateral, include, indication))
        if page:
            draft_page.write(drafts[-1], page)
        if data:
            drafts[-1].save_json(data)
        for written in filter(None, (page, data)):
            say(f"{path}: {written}")
    return drafts if several else drafts[0]


def _target(path: str | os.PathLike | None, several: bool, image: str | os.PathLike, suffix: str) -> Path | None:
    """Where to write what belongs to an image."""
    if path is None:
        return None
    path = Path(path).expanduser()
    if several or path.is_dir():
        if path.suffix.lower() == suffix:
            raise ValueError(f"{path}: for several images give a folder, not one file")
        return path / f"draft-{fingerprint(image)}{suffix}"
    if path.suffix.lower() != suffix:
        raise ValueError(f"{path}: the name of this file has to end in {suffix}")
    return path
