"""Synthetic patients, their chest X-rays and their reports: a collection for which the truth is known.

A *phantom* is what medical physicists call a stand-in for a patient. Each one here is drawn from a seed: a body with
lungs, a heart, an aorta, ribs and a spine, and none to four findings with their side, place and degree
(:mod:`~mrg_helpers.phantom.patients`). Its X-ray is computed by the law of Beer and Lambert along parallel rays
(:mod:`~mrg_helpers.phantom.physics`), from the front and from the side. Its report is written by a grammar in the
style of the Indiana University collection (:mod:`~mrg_helpers.phantom.grammar`). Since the findings and their boxes
are known, a model that reads these pictures can be checked in ways that real X-rays do not allow: did it name what is
there, and did it look at the right place?

>>> from mrg_helpers import phantom
>>> root = phantom.write("data/phantom", n=1500)  # doctest: +SKIP
>>> phantom.load_truth(root)["CXR1"][0].name  # doctest: +SKIP
'cardiomegaly'

No person was X-rayed for this, and nothing learnt from it is for clinical use.
"""

from .patients import FINDINGS, Finding, Patient, sample_patient
from .physics import render
from .writer import load_truth, write

__all__ = ["FINDINGS", "Finding", "Patient", "load_truth", "render", "sample_patient", "write"]
