"""What one measurement says of itself, and how it is timed."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Measured:
    """One way of doing one piece of work, timed several times.

    Attributes:
        seconds: of each repetition. count: how many units (images, steps, reports) a repetition did.
        whole: how many units the row is about, where only a part was done; 0: all of it.
        flop: floating-point operations of a unit, for the share of the limit; 0: not a matter of arithmetic.
        precision: the type in which they are done, and so the limit that counts.
        note: what a reader of the row must know.
        values: numbers that are reported beside the time, such as a cosine.
        memory: the largest resident memory of the process in bytes, device: of the GPU; 0: not known. The worker fills them in.
    """

    seconds: list[float]
    count: float = 1
    whole: float = 0
    flop: float = 0
    precision: str = "float32"
    note: str = ""
    values: dict[str, float] = field(default_factory=dict)
    memory: int = 0
    device: int = 0

    @property
    def rate(self) -> float:
        """Units a second: of the median repetition."""
        return self.count / statistics.median(self.seconds)

    @property
    def time(self) -> float:
        """Seconds for the whole, scaled up where only a part was done."""
        return (self.whole or self.count) / self.rate

    @property
    def spread(self) -> float:
        """Half the distance from the quickest to the slowest repetition, as a share of the median."""
        return (max(self.seconds) - min(self.seconds)) / 2 / statistics.median(self.seconds)


def repeat(work: Callable[[], object], repetitions: int, warm: int = 1) -> list[float]:
    """The seconds of each repetition, after ``warm`` ones that do not count (compilation, the files' first reading)."""
    seconds = []
    for number in range(warm + repetitions):
        began = time.perf_counter()
        work()
        if number >= warm:
            seconds.append(time.perf_counter() - began)
    return seconds


def peak_memory() -> int:
    """The largest resident memory of this process so far in bytes; 0 where the system does not say."""
    if sys.platform == "linux":  # getrusage also counts what the process that started this one had
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
