"""Every benchmark at tiny sizes: it runs, and both ways of doing the work come to the same. No time is judged."""

import dataclasses
import json

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import cases, figure, report, summary, worker
from benchmarks.measured import Measured
from benchmarks.sizes import FULL, QUICK
from mrg_helpers import paths

CASES = cases.cases(bfloat16=False)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The whole program at tiny sizes, without the demo: what it wrote, and where."""
    folder = tmp_path_factory.mktemp("benchmarks")

    def here(case, variant, sizes, scratch, mixed, bar):  # two dozen processes would load TensorFlow for minutes
        bar.update()
        request = {"module": case.module, "function": case.function, "variant": variant, "mixed": mixed}
        return worker.main(request | {"sizes": dataclasses.asdict(sizes), "folder": str(scratch)})

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MRG_OUTPUTS_DIR", str(folder))
        patch.setattr(command, "run", here)
        assert command.main(["--quick"]) == 0
    return json.loads((folder / "benchmarks.json").read_text(encoding="utf-8")), folder


def row(found, name, **wanted):
    return next(
        one for one in found[0]["rows"] if one["name"] == name and all(one[key] == wanted[key] for key in wanted)
    )


def test_every_case_has_its_row_and_nothing_else_is_left(found):
    assert [*dict.fromkeys(one["name"] for one in found[0]["rows"])] == [name for name in CASES if name != "demo"]
    assert sorted(path.name for path in found[1].iterdir()) == ["benchmarks.json", "benchmarks.png"]
    for one in found[0]["rows"]:
        assert one["memory"] > 0 and set(CASES[one["name"]].aims) == set(one["aims"])
        assert one["name"] in ("nearness", "memory") or len(one["seconds"]["ours"]) >= 3 and one["ours"] > 0
        assert (one["reference_memory"] or 0) > 0 or "reference" not in CASES[one["name"]].runs(QUICK)
    assert found[0]["machine"]["processor"] and found[0]["limits"]["float32"] > 0 and found[0]["growth"]


def test_both_ways_give_the_same_loss_and_gradients(found):
    values = row(found, "step")["values"]
    assert 0 <= values["loss difference"] < 1e-4 and 0 <= values["gradient difference"] < 1e-4


@pytest.mark.parametrize("name", ["greedy", "beam"])
def test_both_ways_write_the_same_texts(found, name):
    values = row(found, name)["values"]
    assert values["same texts"] == values["of"] == QUICK.reference_written
    assert values["different texts"] > 1, "were all texts alike, this would show nothing"


def test_fast_features_are_those_of_the_plain_network(found):
    assert row(found, "nearness")["values"]["cosine"] > 0.999


def test_the_simulated_cache_is_as_long_as_it_should_be(found):
    simulated = row(found, "feed", count=QUICK.simulated)
    wanted = 2 * QUICK.simulated * QUICK.regions * QUICK.cached_channels / 1e9
    assert simulated["values"]["length of the file, GB"] == pytest.approx(wanted, rel=0.01)


def test_the_numbers_of_operations_are_those_of_the_papers():
    from benchmarks import features, training
    from mrg_helpers.networks import find_network

    assert training.operations(FULL) == pytest.approx(78e9, rel=0.02)
    network = find_network("inception_v3").build(299)
    assert features.operations(network) == pytest.approx(11.4e9, rel=0.02)


def test_a_measurement_has_a_process_of_its_own(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("MRG_OUTPUTS_DIR", str(tmp_path))
    assert command.main(["--quick", "--only", "scores"]) == 0
    said = capsys.readouterr().out
    assert "GFLOP/s in float32" in said and "text scores" in said and "phantom studies" not in said
    (only,) = json.loads((tmp_path / "benchmarks.json").read_text(encoding="utf-8"))["rows"]
    assert 1e7 < only["memory"] < 4e8, "scoring loads no TensorFlow"


def test_a_crash_names_the_case(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("MRG_OUTPUTS_DIR", str(tmp_path))
    broken = {"greedy": dataclasses.replace(CASES["greedy"], function="nowhere")}
    monkeypatch.setattr(command, "cases", lambda bfloat16: broken)
    assert command.main(["--quick"]) == 1
    assert "nowhere reference ended with status 1" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_case_lists_those_there_are(capsys):
    assert command.main(["--only", "poetry"]) == 1
    assert "greedy" in (said := capsys.readouterr().err) and "decoding" in said


def test_rows_are_the_medians_scaled_to_the_whole(tmp_path):
    ours = Measured([1.0, 3.0, 2.0], count=8, whole=8, flop=4.0)
    other = Measured([5.0, 5.0, 5.0], count=2, whole=8)
    (made,) = summary.rows(
        {"step": CASES["step"]}, {"step": {"reference": other, "ours": ours}}, {"float32": 32}, tmp_path
    )
    assert (made["reference"], made["ours"], made["ratio"]) == (20.0, 2.0, 10.0)
    assert (made["spread"], made["share"]) == (0.5, 0.5)
    assert made["missed"] == ["share"]


def test_different_answers_are_seen(tmp_path):
    np.savez(tmp_path / "step-reference.npz", loss=2.0, g0=np.ones(3))
    np.savez(tmp_path / "step-ours.npz", loss=2.0, g0=np.array([1, 1, 1.01]))
    one = Measured([1.0, 1.0, 1.0])
    (made,) = summary.rows({"step": CASES["step"]}, {"step": {"reference": one, "ours": one}}, {"float32": 1}, tmp_path)
    assert made["values"]["gradient difference"] > 1e-3 and "difference" in made["missed"]


def test_the_table_is_even_and_every_part_can_be_drawn_alone(found):
    lines = report.table(found[0]["rows"]).splitlines()
    assert all(cell in lines[0] for cell in report.COLUMNS) and len(lines) == 2 + len(found[0]["rows"])
    for name in ("step", "scores", "growth"):
        some = found[0] | {"rows": [one for one in found[0]["rows"] if one["name"] == name]}
        assert figure.draw(some).axes


def test_benchmarks_are_no_part_of_the_installed_package():
    settings = (paths.project_root() / "pyproject.toml").read_text(encoding="utf-8")
    assert '"mrg_helpers.models"' in settings and '"benchmarks"' not in settings
