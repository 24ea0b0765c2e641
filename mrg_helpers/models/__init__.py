"""One file per system, each a :class:`~mrg_helpers.models.base.ReportModel`."""

from .base import ReportModel, load_model, save_model
from .conditioned_gpt import ConditionedGPT
from .show_attend_tell import ShowAttendTell
from .transformer import Transformer

FAMILY = {
    "show_attend_tell": ShowAttendTell,
    "transformer": Transformer,
    "conditioned_gpt": ConditionedGPT,
}

__all__ = ["FAMILY", "ConditionedGPT", "ReportModel", "ShowAttendTell", "Transformer", "load_model", "save_model"]
