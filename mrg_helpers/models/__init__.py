"""One file per system, each a :class:`~mrg_helpers.models.base.ReportModel`, and a classifier of findings, which writes nothing."""

from .base import ReportModel, load_model, save_model
from .conditioned_gpt import ConditionedGPT
from .finding_classifier import FindingClassifier
from .hierarchical import Hierarchical
from .indication import WithIndication
from .merge_lstm import MergeLSTM
from .retrieve_paraphrase import RetrieveParaphrase
from .show_attend_tell import ShowAttendTell
from .tag_conditioned import TagConditioned
from .transformer import Transformer
from .two_view import TwoView

FAMILY = {
    "show_attend_tell": ShowAttendTell,
    "merge_lstm": MergeLSTM,
    "two_view": TwoView,
    "indication": WithIndication,
    "tag_conditioned": TagConditioned,
    "hierarchical": Hierarchical,
    "transformer": Transformer,
    "conditioned_gpt": ConditionedGPT,
    "retrieve_paraphrase": RetrieveParaphrase,
}


def named(model: str) -> type[ReportModel]:
    """The model of that name.

    Raises:
        ValueError: if there is none.
    """
    if model not in FAMILY:
        raise ValueError(f"there is no model {model!r}; there are {', '.join(FAMILY)}")
    return FAMILY[model]


__all__ = [
    "FAMILY",
    "FindingClassifier",
    "ReportModel",
    *sorted(family.__name__ for family in FAMILY.values()),
    "load_model",
    "named",
    "save_model",
]
