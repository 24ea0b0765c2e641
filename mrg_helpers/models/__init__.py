"""One file per system, each a :class:`~mrg_helpers.models.base.ReportModel`."""

from .base import ReportModel, load_model, save_model
from .show_attend_tell import ShowAttendTell

FAMILY = {"show_attend_tell": ShowAttendTell}

__all__ = ["FAMILY", "ReportModel", "ShowAttendTell", "load_model", "save_model"]
