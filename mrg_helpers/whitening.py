"""What the features of the training patients have in common: the statistics by which a model's features are brought to one scale.

Explained in ``notebooks/02_cache_inceptionv3_features.ipynb``.
"""

from __future__ import annotations

import numpy as np


def channel_statistics(raw: np.ndarray, rows: np.ndarray, chunk: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of every channel over some rows: (N, R, D), (M,) -> (D,), (D,) float64.

    A channel that never changes gets the deviation 1, so that dividing by it is harmless.
    """
    count, total, squares = 0, 0.0, 0.0
    shift = raw[rows[0]].astype("float64").mean(axis=0)  # keeps the squares small where the mean is far from zero
    for start in range(0, len(rows), chunk):
        part = raw[rows[start : start + chunk]].astype("float64").reshape(-1, raw.shape[-1]) - shift
        count, total, squares = count + len(part), total + part.sum(axis=0), squares + (part**2).sum(axis=0)
    mean = total / count
    std = np.sqrt(np.maximum(squares / count - mean**2, 0))
    return mean + shift, np.where(std > 1e-7, std, 1.0)


def principal_components(raw: np.ndarray, rows: np.ndarray, mean: np.ndarray, std: np.ndarray, most: int = 600) -> dict:
    """How patients differ from the average one: the directions along which the standardised channels vary, the strongest first.

    Args:
        raw: (N, R, D). rows: (M,), those of the training split; ``most`` of them, evenly spread, are enough.
        mean, std: (D,), of the channels.

    Returns:
        ``average`` (R, D), the standardised features of the average patient; ``variances`` (D,) along each direction around it;
        ``vectors`` (D, D), the directions as columns. All float32.
    """
    rows = rows[:: -(-len(rows) // most)]
    total = sum(raw[row].astype("float64") for row in rows)
    average = (total / len(rows) - mean) / std  # (R, D)
    covariance = np.zeros((raw.shape[-1],) * 2)
    for row in rows:
        part = (raw[row].astype("float64") - mean) / std - average  # (R, D)
        covariance += part.T @ part
    variances, vectors = np.linalg.eigh(covariance / (len(rows) * raw.shape[1]))
    # A direction and its opposite are alike; the sign is fixed so that every machine takes the same one.
    vectors *= np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(len(variances))])
    found = {"average": average, "variances": np.maximum(variances[::-1], 0), "vectors": vectors[:, ::-1]}
    return {name: value.astype("float32") for name, value in found.items()}
