"""Drawing tubes: bones, vessels, leads and wires are hundreds of short cylinders, whose chords are computed together."""

from __future__ import annotations

import numpy as np

from .solids import CORE_DENSITY, FIELD_CM, Tube


def cylinder_chord(x, z, axis, length, radius, core=0.0) -> np.ndarray:
    """Chord of rays through a cylinder with flat ends; x, z are counted from its middle. All arguments broadcast.

    ``axis`` is a unit vector (wx, wy, wz) with 0 < abs(wy) < 1. With ``core`` > 0 the chord inside the core counts less.
    """
    wx, wy, wz = axis
    a, along = 1 - wy * wy, wx * x + wz * z
    beside = along * along - a * (x * x) - a * (z * z)
    middle, end, reach = (
        along * (wy / a),
        along / -wy,
        length / 2 / np.abs(wy),
    )  # flat ends: |along + y wy| <= length / 2
    low, high = end - reach, end + reach

    def between(r) -> np.ndarray:
        half = np.sqrt(np.maximum(beside + a * r * r, 0)) / a  # |p|^2 - (p.w)^2 = r^2, solved for y
        return np.maximum(np.minimum(middle + half, high) - np.maximum(middle - half, low), 0)

    return between(radius) - (1 - CORE_DENSITY) * between(radius * core) if np.any(core) else between(radius)


def tube_map(tubes: list[tuple[Tube, float]], size: int) -> np.ndarray:
    """Summed chords, (size, size), of many tubes, each weighted with its density.

    Each cylinder is drawn in a small square patch; those with patches of one size go through the formula together.
    """
    if not tubes:
        return np.zeros((size, size), np.float32)
    pixel = FIELD_CM / size
    start, stop, radius = (np.concatenate([getattr(t, name) for t, _ in tubes]) for name in ("start", "stop", "radius"))
    count = [len(t.radius) for t, _ in tubes]
    density, core = np.repeat([weight for _, weight in tubes], count), np.repeat([t.core for t, _ in tubes], count)
    length = np.linalg.norm(stop - start, axis=1)
    axis, middle = (stop - start) / length[:, None], (start + stop) / 2
    # A ray exactly along or across a cylinder would divide by zero; a hair's breadth beside it the answer is the same.
    axis[:, 1] = np.where(axis[:, 1] < 0, -1, 1) * np.clip(np.abs(axis[:, 1]), 1e-4, 1 - 1e-5)
    axis[np.abs(axis[:, 1]) > 1 - 2e-5] *= (0, 1, 0)
    axis[:, 0] = np.where(axis[:, [0, 2]].any(1), axis[:, 0], np.sqrt(1 - axis[:, 1] ** 2))
    reach = (np.abs(axis) * length[:, None] / 2 + radius[:, None])[:, [0, 2]].max(1)
    patch = np.ceil(reach * 2 / pixel / 4).astype(int) * 4 + 2
    corner = np.floor(np.stack([FIELD_CM / 2 - middle[:, 2], FIELD_CM / 2 + middle[:, 0]], 1) / pixel).astype(
        int
    )  # row, column
    corner -= patch[:, None] // 2
    shown = ((corner + patch[:, None] > 0) & (corner < size)).all(1)
    margin = int(patch.max())  # patches may stick out of the image by as much
    wide = size + 2 * margin
    measures = np.stack([middle[:, 0], middle[:, 2], *axis.T, length, radius, core, density]).astype(np.float32)
    places, weights = [], []
    for side in np.unique(patch[shown]):
        same = np.flatnonzero(shown & (patch == side))
        for pick in np.array_split(same, 1 + len(same) * side * side // 30000):  # batches that stay in the cache
            row = corner[pick, 0, None, None] + np.arange(side)[:, None]  # (n, side, 1)
            column = corner[pick, 1, None, None] + np.arange(side)  # (n, 1, side)
            mx, mz, wx, wy, wz, long, r, _, _ = measures[:, pick, None, None]
            x = ((column + 0.5) * pixel - FIELD_CM / 2).astype(np.float32) - mx
            z = (FIELD_CM / 2 - (row + 0.5) * pixel).astype(np.float32) - mz
            flat = (
                wx * wx + wz * wz
            )  # a cylinder's shadow is a rectangle with two half ellipses; work on its pixels only
            shadow = np.abs(wz * x - wx * z) < r * np.sqrt(flat)
            shadow &= np.abs(wx * x + wz * z) < long / 2 * flat + r * np.sqrt(flat) * np.abs(wy)
            found = np.flatnonzero(shadow)
            which, i, j = found // (side * side), found // side % side, found % side
            _, _, wx, wy, wz, long, r, k, d = measures[:, pick[which]]
            weights.append(d * cylinder_chord(x[which, 0, j], z[which, i, 0], (wx, wy, wz), long, r, k))
            places.append((row[which, i, 0] + margin) * wide + column[which, 0, j] + margin)
    if not places:
        return np.zeros((size, size), np.float32)
    total = np.bincount(np.concatenate(places), np.concatenate(weights), minlength=wide * wide).reshape(wide, wide)
    return total[margin : margin + size, margin : margin + size].astype(np.float32)
