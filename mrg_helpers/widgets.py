"""The interactive twins of the figures, for ipywidgets 7 and 8. They take arrays and know no model.

Each widget lives in a module of its own and is offered here: a notebook needs one import. Whatever comes from a report is
escaped before it becomes HTML.
"""

from __future__ import annotations

from .attention_browser import AttentionBrowser
from .beam_explorer import BeamExplorer
from .disagreement_browser import DisagreementBrowser
from .study_browser import StudyBrowser
from .training_monitor import TrainingMonitor
from .vocabulary_lab import VocabularyLab

__all__ = [
    "AttentionBrowser",
    "BeamExplorer",
    "DisagreementBrowser",
    "StudyBrowser",
    "TrainingMonitor",
    "VocabularyLab",
]
