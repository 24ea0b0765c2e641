"""Helpers behind the notebooks on medical report generation from chest X-rays.

The way of the data, one module an arrow, always to the right::

    studies -> features -> tokens -> model -> generations -> scores and pictures

==============  ====================================================================
``phantom``     synthetic chest X-rays with their reports; the truth is known
``datasets``    phantom, IU X-ray in its three layouts or a table of your own -> studies; ``download`` fetches IU X-ray
``reports``     clean a report, take its sections, split it into words
``vocabulary``  words <-> ids
``images``      one image -> what the network sees, and the grid back onto the image; ``dicom`` reads X-rays of hospitals
``encoders``    image networks as feature extractors; ``networks`` is the table of them, ``weights`` finds theirs, ``tuning``
                teaches them
``features``    the feature cache; ``extraction`` fills it, ``whitening`` its statistics, ``stored`` its file
``models``      one file per system; ``models.base`` holds the interface
``inputs``      what a model reads: features, and where it needs them the other view and the indication
``batches``     what a model learns from, by length
``training``    masked loss, ``fit`` with ``checkpoints``, logs and progress; ``objectives`` what else to learn from than true words
``decoding``    ``generate``: greedy, sampling and beam search for every model; ``searches`` are its loops
``beam_trace``  one beam search with all that it kept and dropped
``likelihood``  how likely a model finds a report that is already written, and what else it considered
``metrics``     BLEU, ROUGE-L and CIDEr as the literature computes them; METEOR where its program is there
``findings``    which findings a text asserts, denies or doubts
``agreement``   how well ``findings`` reads, against tags that people gave; ``finding_rules`` are its words
``evaluation``  tables of scores, and how much of its own a system says
``baselines``   what a model has to beat; ``templates`` finds the fixed text with the highest BLEU-4
``ladder``      all of them at once, and a model against the best that cannot see
``intervals``   how sure a score is: the bootstrap over studies
``treatments``  the preprocessing lab; ``published`` holds what papers report
``looking``     does the attention find what it names? ``perturb`` gives a model the wrong images
``exposure``    what a model does after words that it would not have read in training
``classification`` how well a classifier of findings does, and its heat-maps where attention is judged
``audit``       what leaks from one split to another, and into what was fitted and chosen
``leaderboard`` results of several runs side by side
``plots``       static figures; ``widgets`` are their interactive twins, which ``svg`` and ``widget_parts`` help to draw
``browsing``    the studies that ``attention_browser`` and ``export`` (its twin without a kernel, from ``web/``) show
``pictures``    their pictures; ``browser_html`` their text; ``marks``: where two reports agree about a finding
``drafting``    a draft report for a new X-ray, with its page (``draft_page``), how sure the model is of each sentence
                (``sureness``) and how like the training images the picture is (``familiarity``)
``checks``      answers to the exercises, judged at once; ``exercises`` derives the exercises from the solution notebooks
``stages``      make what a notebook needs and does not find; ``artefacts`` and ``lessons`` are its lower rooms, ``settings``: what
                it depends on, ``pretrained``: the model that comes with the project
``runner``      executes the notebooks; ``pages`` makes them pages
==============  ====================================================================

Importing the package loads nothing heavy: TensorFlow comes with ``encoders``, ``models``, ``training``, ``searches``,
``decoding``, ``beam_trace`` and ``likelihood``. ``mrg_helpers.draft("new.dcm", out="draft.html")`` is
:func:`mrg_helpers.drafting.draft`.
"""

import importlib
import os

# TensorFlow's C++ side prints pages of start-up notices, which a reader of a notebook takes for errors.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# oneDNN's products and convolutions, which TensorFlow itself only takes on the newest processors, are quicker on older ones too.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

__version__ = "0.2.0"


def __getattr__(name: str):
    """``draft`` is loaded when it is asked for: it stands on nearly everything else."""
    if name == "draft":
        return importlib.import_module(".drafting", __name__).draft
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
