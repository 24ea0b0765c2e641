"""GPT-2's weights from a local file, as Hugging Face stores them: ``model.safetensors``, read without PyTorch.

The file: 8 bytes, the length of the header; the header, JSON, which says of each tensor its type, shape and place; the numbers.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np

TYPES = {"F32": "<f4", "F16": "<f2"}


def read_safetensors(path: str | Path) -> dict[str, np.ndarray]:
    """The tensors of a file by name, memory-mapped; those of other types than float32 and float16 are left out.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a safetensors file, or cut short.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; give the path of a GPT-2's model.safetensors")
    try:
        content = np.memmap(path, np.uint8, "r")
        begin = 8 + int.from_bytes(content[:8].tobytes(), "little")
        header = json.loads(content[8:begin].tobytes())
        header.pop("__metadata__", None)
        tensors = {}
        for name, entry in header.items():
            if entry["dtype"] in TYPES:
                first, last = (begin + offset for offset in entry["data_offsets"])
                tensors[name] = content[first:last].view(TYPES[entry["dtype"]]).reshape(entry["shape"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: not a whole safetensors file ({error}); get it again") from error
    return tensors


def load_gpt2(path: str | Path, variables: dict, embedding, places, words: list[str]) -> int:
    """Give a model's variables the values of a GPT-2.

    A word takes the embedding of the token that is this word (``Ġword``; punctuation stands without the ``Ġ``), if the
    ``vocab.json`` of the tokens lies beside the file; the others stay random, as large as GPT-2's embeddings are.

    Args:
        variables: GPT-2's name without ``transformer.`` -> variable, all layers.
        embedding, places: the variables (V, U) and (M, U) of the words and of their places.
        words: V.

    Returns:
        How many words took an embedding.

    Raises:
        FileNotFoundError, ValueError: if the file is not there, or does not fit the sizes of the model.
    """
    path = Path(path).expanduser()
    stored = {name.removeprefix("transformer."): values for name, values in read_safetensors(path).items()}
    wanted = {name: tuple(variable.shape) for name, variable in variables.items()}
    _check(path, stored, wanted | {"wte.weight": (None, embedding.shape[1]), "wpe.weight": (None, embedding.shape[1])})
    if len(stored["wpe.weight"]) < places.shape[0]:
        raise ValueError(f"{path}: has {len(stored['wpe.weight'])} places for words; max_length is {places.shape[0]}")
    for name, variable in variables.items():
        variable.assign(stored[name])
    places.assign(stored["wpe.weight"][: places.shape[0]])
    tokens = stored["wte.weight"]
    values = embedding.numpy()
    values *= np.std(tokens, dtype="float64") / values.std()
    ids = dict(_token_ids(path.with_name("vocab.json"), words))
    values[list(ids)] = tokens[list(ids.values())]
    embedding.assign(values)
    return len(ids)


def _check(path: Path, stored: dict, wanted: dict) -> None:
    for name, shape in wanted.items():
        if name not in stored:
            raise ValueError(f"{path}: there is no {name} in it; `layers` has to be the file's")
        found = stored[name].shape
        if len(found) != len(shape) or any(b not in (None, a) for a, b in zip(found, shape, strict=True)):
            raise ValueError(f"{path}: {name} is {found}, the model's is {shape}; `units` has to be the file's")
    layers = {name.split(".")[1] for name in stored if name.startswith("h.")}
    if len(layers) > len({name.split(".")[1] for name in wanted if name.startswith("h.")}):
        raise ValueError(f"{path}: has {len(layers)} layers; `layers` has to be the file's")


def _token_ids(path: Path, words: list[str]) -> Iterable[tuple[int, int]]:
    """The numbers of our words that are tokens too, each with the token's."""
    if not path.is_file():
        warnings.warn(f"{path}: not there, so all words start from random embeddings", stacklevel=3)
        return
    tokens = json.loads(path.read_text(encoding="utf-8"))
    for k, word in enumerate(words):
        token = f"Ġ{word}" if word[0].isalnum() else word
        if token in tokens:
            yield k, tokens[token]
