"""Which machine this is, and the limit: the rate of a large matrix product on all its cores, or on its GPU."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from .measured import Measured, repeat
from .sizes import Sizes


def processor() -> tuple[str, set[str]]:
    """The processor's name and, on Linux, what it can do (the flags of ``/proc/cpuinfo``)."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine(), set()
    lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    fields = {name.strip(): value.strip() for name, value in lines.items()}
    return fields.get("model name", platform.machine()), set(fields.get("flags", "").split())


def has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself."""
    return bool({"avx512_bf16", "amx_bf16"} & processor()[1])


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def limit(variant: str, sizes: Sizes, folder: Path) -> Measured:
    """A product of two large matrices of that type: how many floating-point operations a second are to be had at all.

    In float32 it is the faster of TensorFlow's and NumPy's product, since either library may be the one that misses the limit.
    """
    import numpy as np
    import tensorflow as tf

    n = sizes.product
    values = np.random.default_rng(0).normal(size=(2, n, n)).astype("float32")
    tensors = [tf.cast(value, variant) for value in values]
    product = tf.function(
        lambda a, b: tf.reduce_sum(tf.cast(a @ b, tf.float32))
    )  # one number back: the GPU has to finish
    ways = {"TensorFlow": repeat(lambda: product(*tensors).numpy(), max(5, sizes.repetitions))}
    if variant == "float32" and not gpu():
        ways["NumPy"] = repeat(lambda: values[0] @ values[1], max(5, sizes.repetitions))
    name = min(ways, key=lambda way: min(ways[way]))
    return Measured(ways[name], flop=2 * n**3, note=f"{n} x {n}, {name}")


def gpu() -> str:
    """The name of the first GPU that TensorFlow sees, or the empty string."""
    import tensorflow as tf

    found = tf.config.list_physical_devices("GPU")
    return tf.config.experimental.get_device_details(found[0]).get("device_name", "GPU") if found else ""


def device_memory() -> int:
    """The most memory that TensorFlow took of the GPU, in bytes; 0 without one."""
    import tensorflow as tf

    return tf.config.experimental.get_memory_info("GPU:0")["peak"] if gpu() else 0


def use_mixed_precision() -> None:
    """Compute in 16 bits and keep the weights in 32: float16 on a GPU, bfloat16 on a processor."""
    import keras

    keras.mixed_precision.set_global_policy("mixed_float16" if gpu() else "mixed_bfloat16")


def described(variant: str, sizes: Sizes, folder: Path) -> Measured:
    """What only a process with TensorFlow can say of the machine; the note holds it."""
    import keras
    import tensorflow as tf

    return Measured([], note=f"{gpu()}|TensorFlow {tf.__version__}, Keras {keras.__version__}")


def describe() -> dict[str, object]:
    """The machine in words, without TensorFlow."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    return {
        "processor": processor()[0],
        "cores": cores(),
        "bfloat16": has_bfloat16(),
        "memory_gb": round(memory / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }
