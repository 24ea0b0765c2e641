"""What is measured with: a model, pictures, texts and caches, the same ones in every process."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from mrg_helpers import paths, phantom
from mrg_helpers.vocabulary import END, SPECIAL, START, Vocabulary

from .sizes import Sizes


def model(sizes: Sizes, channels: int | None = None):
    """The model of the full profile in the paper's form, without dropout; its weights are drawn by NumPy, so that every process
    has the same.

    Its output layer is steep, so that reports differ from study to study, and never says ``<end>``: all reports have one length.
    """
    from mrg_helpers.models import ShowAttendTell

    side = round(sizes.regions**0.5)
    words = [*SPECIAL, *(f"word{k}" for k in range(sizes.vocabulary - len(SPECIAL)))]
    made = ShowAttendTell(
        words, (side, side), channels or sizes.channels, embedding=sizes.embedding, units=sizes.units,
        attention_units=sizes.attention_units, dropout=0.0,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    for variable in made.trainable_variables:
        if variable.path.endswith(("kernel", "embeddings", "score")):
            embedded = variable.path.endswith("embeddings")
            spread = 0.5 if embedded else np.prod(variable.shape[:-1] or variable.shape) ** -0.5
            variable.assign(rng.normal(0, spread, variable.shape).astype("float32"))
    made.to_logits.kernel.assign(8 * made.to_logits.kernel)
    bias = np.zeros(sizes.vocabulary, "float32")
    bias[END] = -1e4
    made.to_logits.bias.assign(bias)
    return made


def batch(sizes: Sizes) -> tuple[np.ndarray, np.ndarray]:
    """A batch of training: features (B, R, D) float32, and tokens (B, T + 1) int32 of reports that all have T words."""
    rng = np.random.default_rng(1)
    features = rng.normal(size=(sizes.reports, sizes.regions, sizes.channels)).astype("float32")
    tokens = rng.integers(len(SPECIAL), sizes.vocabulary, (sizes.reports, sizes.words + 1)).astype("int32")
    tokens[:, 0], tokens[:, -1] = START, END
    return features, tokens


def pictures(sizes: Sizes, folder: Path) -> pd.DataFrame:
    """Rows of phantom X-rays as PNG files of 512 pixels, for :func:`mrg_helpers.extraction.extract`."""
    root = phantom.write(folder / "phantom", sizes.images, progress=False)
    files = sorted((root / "images").glob("*-1001.png"))[: sizes.images]
    return pd.DataFrame(
        {"image_id": [file.stem for file in files], "path": [str(file) for file in files], "split": "train"}
    )


def findings(sizes: Sizes, split: str) -> tuple[list[str], str]:
    """Real findings of R2Gen's split where they lie beside the project, else those of phantoms; and which of the two."""
    from mrg_helpers import published

    annotation = published.r2gen_annotation(paths.project_root().parent / "shared" / "iu_xray")
    if annotation:
        table = published.r2gen_studies(annotation)
        return table.loc[table["split"] == split, "findings"].tolist(), "R2Gen's split of the IU collection"
    from mrg_helpers.phantom.grammar import write_report

    count = {"train": 2069, "val": 296, "test": 590}[split]
    patients = (phantom.sample_patient({"train": 0, "val": 1, "test": 2}[split], k) for k in range(1, count + 1))
    return [write_report(one, np.random.default_rng(one.index)).findings for one in patients], "phantom reports"


def report_tokens(sizes: Sizes, count: int = 0) -> tuple[list[list[int]], str]:
    """The training findings as ids below V, repeated or cut to ``count`` of them (0: as they are); and where they are from."""
    texts, source = findings(sizes, "train")
    vocabulary = Vocabulary.fit(texts, sizes.vocabulary - len(SPECIAL))
    tokens = [vocabulary.encode(text, sizes.longest + 2 if sizes.longest else None) for text in texts]
    # copies, since in a real collection no two reports share a list
    return [list(tokens[k % len(tokens)]) for k in range(count or len(tokens))], source


def cache(folder: Path, count: int, sizes: Sizes, sparse: bool):
    """A finished feature cache of random numbers, opened with the C components that the model reads.

    Args:
        count: N. sparse: the file is as long as it should be and holds nothing, so 98.9 GB fit on any disk.
    """
    from mrg_helpers.features import FeatureCache

    rng = np.random.default_rng(2)
    side, channels = round(sizes.regions**0.5), sizes.cached_channels
    if not (folder / "manifest.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        block = rng.normal(size=(64, side * side, channels)).astype("<f2").tobytes()
        with open(folder / "features.npy", "wb") as file:
            shape = (count, side * side, channels)
            np.lib.format.write_array_header_1_0(file, {"descr": "<f2", "fortran_order": False, "shape": shape})
            whole = file.tell() + 2 * int(np.prod(shape))
            while not sparse and file.tell() < whole:
                file.write(block[: whole - file.tell()])
            file.truncate(whole)
        names = [f"image{k}" for k in range(count)]
        pd.DataFrame({"image_id": names, "path": names, "split": "train"}).to_csv(folder / "rows.csv", index=False)
        turned = np.linalg.qr(rng.normal(size=(channels, channels)))[0].astype("float32")
        average = np.zeros((side * side, channels), "float32")
        np.savez(folder / "components.npz", average=average, variances=np.ones(channels, "float32"), vectors=turned)
        manifest = {"note": "random numbers", "grid": [side, side], "channels": channels, "count": count, "done": count}
        manifest |= {"mean": [0.0] * channels, "std": [1.0] * channels}
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return FeatureCache(folder, components=sizes.channels)


def examples(read, tokens: list[list[int]]):
    """One report for each row of what ``read`` reads."""
    from mrg_helpers.batches import Examples

    return Examples(read, range(len(tokens)), tokens)
