"""One measurement in a process of its own: ``python -m benchmarks.worker '<JSON>'``, started by ``__main__``."""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
from pathlib import Path

from .measured import Measured, peak_memory
from .sizes import Sizes


def main(arguments: dict) -> Measured:
    """Run one variant of one case.

    Args:
        arguments: ``module`` and ``function`` of the case, ``variant``, ``sizes``, ``folder`` for its files, ``mixed``.
    """
    sizes = arguments["sizes"]
    sizes = Sizes(**sizes | {"growth": tuple(sizes["growth"])})
    module = importlib.import_module(f".{arguments['module']}", __package__)
    if arguments["mixed"]:
        from .machine import use_mixed_precision

        use_mixed_precision()
    measured = getattr(module, arguments["function"])(arguments["variant"], sizes, Path(arguments["folder"]))
    measured.memory = max(measured.memory, peak_memory())
    if "tensorflow" in sys.modules:
        from .machine import device_memory

        measured.device = device_memory()
    return measured


if __name__ == "__main__":
    request = json.loads(sys.argv[1])
    Path(request["answer"]).write_text(json.dumps(dataclasses.asdict(main(request))), encoding="utf-8")
