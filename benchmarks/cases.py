"""What is measured, one row of the table each, with what it should reach."""

from __future__ import annotations

from dataclasses import dataclass, field

from .sizes import Sizes

BOTH, OURS = ("reference", "ours"), ("ours",)


@dataclass(frozen=True)
class Case:
    """A row, or one row for each variant where these are no reference and ours.

    Attributes:
        module, function: ``benchmarks.<module>.<function>(variant, sizes, folder) -> Measured``.
        what: the row's first column. unit: ``"images/s"`` and the like for a rate, ``"s"`` for a time.
        variants: ``"reference"`` and ``"ours"``, or the name of a size that holds the numbers to grow through.
        aims: what should be reached: ``ratio`` and ``share`` (of the limit) at least, ``seconds`` and ``memory`` (bytes) at most,
            ``cosine`` at least, ``difference`` (relative, of loss and gradients) at most.
    """

    module: str
    function: str
    what: str
    unit: str = "s"
    variants: tuple[str, ...] = BOTH
    aims: dict[str, float] = field(default_factory=dict)

    def runs(self, sizes: Sizes) -> list[str]:
        """The variants that are to be run."""
        if self.function == "images":
            return [str(count) for count in sizes.growth]
        if self.function == "feed":
            return [str(sizes.cached), str(sizes.simulated)]
        return list(self.variants)


def cases(bfloat16: bool) -> dict[str, Case]:
    """All cases by their name; the aim of the extraction depends on whether the processor multiplies bfloat16."""
    return {
        "extraction": Case(
            "features", "extraction", "features, from PNG files to the disk", "images/s",
            aims={"ratio": 2.5 if bfloat16 else 1.5, "share": 0.75},
        ),
        "nearness": Case("features", "nearness", "cosine of the features to float32", "", OURS, {"cosine": 0.999}),
        "step": Case("training", "step", "training step", aims={"ratio": 5, "share": 0.65, "difference": 1e-4}),
        "first": Case("training", "first", "the first step, compilation included", aims={"seconds": 5}),
        "epoch": Case("training", "epoch", "an epoch of real lengths", aims={"ratio": 10}),
        "memory": Case("training", "memory", "training on a large cache", "", aims={"memory": 1.5e9}),
        "greedy": Case("decoding", "greedy", "greedy decoding", aims={"ratio": 150}),
        "beam": Case("decoding", "beam", "beam search, 3 beams", aims={"ratio": 120}),
        "scores": Case("light", "scores", "text scores of the test split", variants=OURS, aims={"seconds": 2}),
        "phantoms": Case("light", "phantoms", "1,500 phantom studies", variants=OURS, aims={"seconds": 60}),
        "redraw": Case("screen", "redraw", "attention browser, a control is moved", variants=OURS, aims={"seconds": 0.15}),
        "search": Case("screen", "search", "beam explorer, a search", variants=OURS, aims={"seconds": 0.15}),
        "draft": Case("screen", "draft", "a draft, the model loaded", variants=OURS, aims={"seconds": 5}),
        "import": Case("light", "importing", "import mrg_helpers", variants=OURS, aims={"seconds": 0.3}),
        "help": Case("light", "helping", "python -m mrg_helpers --help", variants=OURS, aims={"seconds": 0.3}),
        "growth": Case("growth", "images", "small images to a cache, and read", "images/s"),
        "feed": Case("growth", "feed", "batches from a cache", "batches/s"),
        "demo": Case("light", "demo", "run --profile demo", variants=OURS, aims={"seconds": 300}),
    }  # fmt: skip
