"""Who may import whom, as the design has it: data flow to the right, and what is light stays light."""

from __future__ import annotations

import ast
import os
import subprocess
import sys

import pytest

from mrg_helpers import paths

PACKAGE = paths.project_root() / "mrg_helpers"

# module -> the modules of ours that it may import. The modules of a package ("models", "phantom", "checks") may import each other.
ALLOWED = {
    # on the ground: each other's plain functions only
    "paths": set(),  # where files lie and how they are written: all that write may import it
    "reports": set(),
    "vocabulary": {"paths", "reports"},
    "meteor": set(),
    "metrics": {"meteor"},
    "finding_rules": set(),
    "findings": {"finding_rules"},
    "agreement": {"finding_rules", "findings", "reports"},
    "dicom": set(),
    "images": {"dicom"},
    "perturb": set(),
    # data come in
    "phantom": {"paths"},
    "download": {"paths"},
    "layouts": {"dicom", "reports"},
    "tables": {"layouts", "reports"},
    "splits": {"reports"},
    "datasets": {"download", "images", "layouts", "paths", "phantom", "reports", "splits", "tables"},
    "similar": {"images", "reports"},
    "audit_checks": {"whitening", "images", "reports", "similar", "splits"},
    "audit": {"audit_checks", "reports"},
    # images become features
    "networks": set(),
    "weights": {"download", "networks", "paths"},
    "encoders": {"networks", "weights"},
    "whitening": set(),
    "stored": set(),
    "features": {"paths", "stored"},
    "extraction": {"encoders", "features", "images", "paths", "stored", "whitening"},
    "tuning": {"encoders", "extraction", "models.parts", "weights", "whitening"},
    # training and decoding know the interface of models, no model
    "models": {"paths", "vocabulary"},
    "batches": {"vocabulary"},
    "inputs": {"batches", "features", "reports", "vocabulary"},
    "checkpoints": {"paths"},
    "training": {"batches", "checkpoints", "models.base", "vocabulary"},
    "searches": {"models.base", "vocabulary"},
    "decoding": {"models.base", "paths", "searches", "vocabulary"},
    "objectives": {"batches", "decoding", "findings", "metrics", "searches", "training", "vocabulary"},
    "beam_trace": {"decoding", "models.base", "reports", "searches", "vocabulary"},
    "likelihood": {"batches", "models.base", "searches", "vocabulary"},
    "evaluation": {"findings", "meteor", "metrics", "reports"},
    "templates": {"findings", "metrics", "reports"},
    "baselines": {"evaluation", "findings", "metrics", "reports", "templates"},
    "intervals": {"evaluation", "findings", "metrics"},
    "ladder": {"baselines", "findings", "intervals"},
    "treatments": {"metrics", "reports"},
    "published": {"datasets", "intervals", "layouts", "reports", "templates"},
    "leaderboard": {"paths"},
    "checks": {"findings", "images", "metrics", "phantom", "reports", "vocabulary"},  # of a reader's answers: arrays and texts
    "exercises": {"paths"},
    "looking": {"findings"},
    "exposure": {"findings", "reports"},
    "classification": {"decoding", "intervals", "looking", "vocabulary"},  # puts heat-maps into the form of a Generation
    # pictures take arrays, never models
    "heatmaps": set(),
    "charts": set(),
    "score_charts": {"charts"},
    "check_charts": {"charts"},
    "look_charts": {"charts"},
    "exposure_charts": {"charts"},
    "beam_tree": set(),
    "beam_charts": {"beam_tree", "charts"},
    "sketch": {"charts"},
    "idea_charts": {"charts", "sketch"},
    "model_idea_charts": {"charts", "sketch"},
    "family_charts": {"charts", "sketch"},
    "objective_idea_charts": {"charts", "sketch"},
    "plots": {"beam_charts", "charts", "check_charts", "exposure_charts", "family_charts", "heatmaps", "idea_charts",
              "look_charts", "model_idea_charts", "objective_idea_charts", "score_charts"},
    "widget_parts": set(),
    "svg": {"widget_parts"},
    "study_browser": {"heatmaps", "images", "reports", "widget_parts"},
    "vocabulary_lab": {"reports", "svg", "vocabulary", "widget_parts"},
    "training_monitor": {"paths", "svg", "widget_parts"},
    "beam_explorer": {"beam_tree", "svg", "widget_parts"},
    "disagreement_browser": {"marks", "widget_parts"},
    "marks": {"findings"},
    "browsing": {"heatmaps", "looking", "marks", "reports"},
    "pictures": {"browsing", "heatmaps"},
    "browser_html": {"browsing", "marks", "pictures"},
    "export": {"browsing", "heatmaps", "marks", "paths", "pictures"},
    "attention_browser": {"browser_html", "browsing", "export", "heatmaps", "paths", "pictures", "widget_parts"},
    "widgets": {"attention_browser", "beam_explorer", "disagreement_browser", "study_browser", "training_monitor",
                "vocabulary_lab"},
    # on top: the names of artefacts, the notebooks, the command line
    "settings": {"__init__", "paths", "weights"},
    "artefacts": {"datasets", "encoders", "extraction", "features", "findings", "paths", "phantom", "pretrained", "reports",
                  "settings", "tuning", "vocabulary", "weights"},
    "lessons": {"artefacts", "batches", "findings", "inputs", "models", "perturb", "reports", "settings", "templates",
                "vocabulary"},
    "stages": {"artefacts", "batches", "decoding", "lessons", "models", "objectives", "paths", "pretrained", "settings",
               "training"},
    "pretrained": {"paths", "training"},
    "pages": {"paths"},
    # a draft for a new X-ray
    "familiarity": set(),
    "sureness": {"finding_rules", "findings", "reports"},
    "drafts": {"familiarity", "findings", "heatmaps", "paths", "sureness"},
    "draft_page": {"drafts", "export", "heatmaps", "paths", "sureness"},
    "drafting": {"__init__", "baselines", "decoding", "dicom", "draft_page", "drafts", "familiarity", "images", "likelihood",
                 "stages", "sureness"},
    "runner": {"pages", "paths"},
    "__init__": set(),
    "__main__": {"download", "drafting", "paths", "phantom", "pretrained", "runner", "stages"},
}  # fmt: skip
HEAVY = {"tensorflow", "keras"}
MAY_BE_HEAVY = {
    "encoders", "features", "models", "networks", "training", "searches", "decoding", "objectives", "beam_trace", "likelihood",
    "tuning", "weights",
}  # fmt: skip
MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path) -> str:
    """``models.base`` for mrg_helpers/models/base.py, ``models`` for its __init__.py."""
    name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    return name.removesuffix(".__init__")


NAMES = {name_of(path) for path in MODULES}


def imports(path, top_level_only: bool = False) -> set[str]:
    """The absolute names of what a file imports, wherever it stands in it; `TYPE_CHECKING` blocks do not count."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = ["mrg_helpers", *path.relative_to(PACKAGE).parent.parts]
    found, waiting = set(), list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if top_level_only and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            source = ".".join([*above, *filter(None, [node.module])])
            found |= {f"{source}.{alias.name}" for alias in node.names}
        waiting += ast.iter_child_nodes(node)
    return found


def ours(path) -> set[str]:
    """The modules of this package that a file imports: the longest known part of each name."""
    found = set()
    for name in imports(path):
        if name.split(".")[0] == "mrg_helpers":
            parts = name.split(".")[1:]
            known = [".".join(parts[:k]) for k in range(len(parts), 0, -1)]
            found.add(next((part for part in known if part in NAMES), "__init__"))
    return found


def within(name: str, allowed: set[str]) -> bool:
    return any(name == part or name.startswith(f"{part}.") for part in allowed)


def test_every_module_has_its_place_in_the_table():
    assert {name.split(".")[0] for name in NAMES} == set(ALLOWED)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_only_what_it_may(path):
    name = name_of(path)
    room = name.split(".")[0]
    allowed = ALLOWED[room] | ({room} if room in ("checks", "models", "phantom") else set())
    assert {other for other in ours(path) if not within(other, allowed)} == set()


def test_the_table_has_no_circles():
    order, left = [], {name: {part.split(".")[0] for part in parts} for name, parts in ALLOWED.items()}
    while left:
        free = [name for name, parts in left.items() if parts <= set(order)]
        assert free, f"these import each other in a circle: {', '.join(left)}"
        order += free
        left = {name: parts for name, parts in left.items() if name not in free}


def test_models_know_the_interface_and_of_each_other_only_the_first():
    folder = PACKAGE / "models"
    systems = ours(folder / "__init__.py") - {"models.base"}
    assert "models.show_attend_tell" in systems
    for path in folder.glob("*.py"):
        if path.stem != "__init__":
            assert (ours(path) & systems) - {name_of(path)} <= {"models.show_attend_tell"}, path.stem


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_tensorflow_is_imported_where_it_is_needed_only(path):
    heavy = {name.split(".")[0] for name in imports(path)} & HEAVY
    at_the_top = {name.split(".")[0] for name in imports(path, top_level_only=True)} & HEAVY
    room = name_of(path).split(".")[0]
    if room not in MAY_BE_HEAVY:
        assert not at_the_top
    if room not in MAY_BE_HEAVY | {"stages"}:  # which makes models, and loads what it needs for that when it does
        assert not heavy


def loaded_after(statement: str) -> set[str]:
    """Which heavy packages a fresh Python has loaded after a statement."""
    program = f"import sys\n{statement}\nprint(*({HEAVY!r} & set(sys.modules)))"
    python_path = os.pathsep.join(filter(None, [str(PACKAGE.parent), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": python_path}
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_importing_the_package_and_the_light_tools_loads_no_tensorflow():
    light = sorted(set(ALLOWED) - MAY_BE_HEAVY - {"__init__", "__main__"})
    assert loaded_after(f"import mrg_helpers\nfrom mrg_helpers import {', '.join(light)}") == set()
    assert loaded_after("from mrg_helpers import phantom, reports, vocabulary\nreports.clean('Clear.')") == set()
