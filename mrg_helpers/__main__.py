"""The command line: ``python -m mrg_helpers run`` executes the notebooks, ``prepare`` gets the data, ``draft`` drafts a report.

Nothing heavy is imported before it is needed, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import paths

NUMBERED = "[0-9][0-9]_*.ipynb"


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit status, 1 with one clear message on stderr where something is wrong."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        options.command(options)
    except KeyboardInterrupt:
        print("stopped; what is done is kept, and the same command goes on from there", file=sys.stderr)
        return 130
    except (OSError, ValueError, RuntimeError) as error:
        print(f"mrg_helpers: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mrg_helpers",
        description="Learn how a machine writes a radiology report from a chest X-ray. Not for clinical use.",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="execute the numbered notebooks and make HTML pages of them")
    run.set_defaults(command=_run)
    _add_settings(run)
    which = run.add_mutually_exclusive_group()
    which.add_argument(
        "--only", metavar="NN", action="extend", nargs="+", help="only the notebooks of these numbers, such as 04 05"
    )
    which.add_argument("--all", action="store_true", help="the experiments too, which train many models (07, 08)")

    prepare = commands.add_parser(
        "prepare",
        help="get a data set: write the phantom patients, or download IU X-ray; or train anew what comes with the project: the "
        "image network that learns from phantom patients (a quarter of an hour or more), or the model of data/pretrained/",
    )
    prepare.set_defaults(command=_prepare)
    prepare.add_argument("dataset", choices=["phantom", "iu_xray", "network", "pretrained"])
    prepare.add_argument("--data", metavar="PATH", help="where to put it (default: under data/)")
    prepare.add_argument("--studies", type=int, default=1500, help="number of phantom patients (default 1500)")
    prepare.add_argument("--seed", type=int, default=0, help="of the phantom patients (default 0)")

    draft = commands.add_parser(
        "draft", help="draft the report of a new X-ray as a page; not for clinical use",
        description="Draft the report of a new X-ray. The page holds pictures and text and nothing else of the files: no path, "
        "no file name, no DICOM header, unless --include asks for it. Not for clinical use.",
    )  # fmt: skip
    draft.set_defaults(command=_draft)
    draft.add_argument("images", nargs="+", metavar="IMAGE", help="PNG, JPEG or DICOM; several share one loaded model")
    draft.add_argument(
        "--lateral", metavar="IMAGE", help="a lateral view, shown beside it; only a model of two views looks at it"
    )
    draft.add_argument(
        "--indication", metavar="TEXT", default="", help="why the X-ray was taken; only some models read it"
    )
    draft.add_argument(
        "--out", metavar="PAGE.html", help="the page; for several images a folder (default: draft-<digits>.html here)"
    )
    draft.add_argument(
        "--json", metavar="PATH", help="the same as JSON, in a file of its own; alone, no page is written"
    )
    draft.add_argument(
        "--include", nargs="+", default=[], metavar="NAME",
        help="what of the DICOM header the page shows, e.g. PatientID StudyDate; and FileName",
    )  # fmt: skip
    draft.add_argument("--train", action="store_true", help="make the model first if there is none; takes minutes")
    _add_settings(draft)
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """The options that choose data and model, the same for every command that has them."""
    parser.add_argument(
        "--profile",
        default="demo",
        help="smoke (two minutes, for tests), demo (the default), imagenet (demo with ImageNet's weights) or full (IU X-ray)",
    )
    parser.add_argument("--dataset", choices=["phantom", "iu_xray", "folder"], help="instead of the profile's data set")
    parser.add_argument("--data", metavar="PATH", help="where the data set lies; for `folder` also the CSV file itself")
    parser.add_argument(
        "-p", dest="parameters", nargs=2, metavar=("NAME", "VALUE"), action="append", default=[],
        help="set a notebook parameter, e.g. -p layer mixed8; may be repeated",
    )  # fmt: skip


def _parameters(options: argparse.Namespace) -> dict[str, object]:
    """What was chosen on the command line over the values of the profile."""
    from . import runner

    parameters = {name: runner.parse_value(value) for name, value in options.parameters}
    if options.dataset:
        parameters["dataset"] = options.dataset
    if options.data:
        data = Path(options.data).expanduser().resolve()
        if not data.exists():
            raise FileNotFoundError(f"{data}: there is no such folder or file; --data names where the data set lies")
        parameters["data"] = str(data)
    elif options.dataset == "folder":
        raise ValueError("--dataset folder needs --data PATH, the folder (or the CSV file) of your own table")
    return parameters


def _run(options: argparse.Namespace) -> None:
    from . import runner

    folder = paths.notebooks_dir()
    notebooks = sorted(folder.glob(NUMBERED))
    if options.only:
        numbers = {path.name[:2] for path in notebooks}
        if unknown := [one for one in options.only if one.zfill(2) not in numbers]:
            raise ValueError(
                f"{folder}: no notebook with the number {', '.join(unknown)}; there are {', '.join(sorted(numbers))}"
            )
        notebooks = [path for path in notebooks if path.name[:2] in {one.zfill(2) for one in options.only}]
    left = [path for path in notebooks if not (options.only or options.all) and runner.is_experiment(path)]
    notebooks = [path for path in notebooks if path not in left]
    parameters = _parameters(options)
    index = runner.run(notebooks, parameters, options.profile, paths.outputs_dir())
    if left:
        numbers = " ".join(path.name[:2] for path in left)
        print(
            f"left out, since they train many models: {', '.join(path.stem for path in left)}; `run --only {numbers}` runs them"
        )
    print(f"executed notebooks and their pages: {index.parent / 'executed'}\nstart here: {index}")


def _draft(options: argparse.Namespace) -> None:
    import dataclasses

    from . import drafting, runner, stages

    known = [field.name for field in dataclasses.fields(stages.Settings)]
    parameters = _parameters(options)
    if unknown := sorted(set(parameters) - set(known)):
        raise ValueError(f"no model depends on a parameter {', '.join(unknown)}; there are: {', '.join(known)}")
    values = {**runner.load_profile(paths.notebooks_dir() / "profiles.yaml", options.profile), **parameters}
    settings = stages.Settings(**{name: values[name] for name in known if name in values})
    several = len(options.images) > 1
    out = options.out or (None if options.json else ".")
    drafting.draft(
        options.images if several else options.images[0], lateral=options.lateral, out=out, json=options.json,
        include=options.include, indication=options.indication, settings=settings, train=options.train, say=print,
    )  # fmt: skip


def _prepare(options: argparse.Namespace) -> None:
    if options.dataset == "pretrained":
        from . import pretrained, stages

        root = pretrained.FOLDER
        stages.keep_pretrained(stages.Settings(weights="phantom"))
    elif options.dataset == "network":
        from . import stages

        root = stages.teach_network()
    elif options.dataset == "iu_xray":
        from . import download

        root = download.prepare_iu_xray(options.data or paths.data_dir() / "iu_xray")
    else:
        from . import phantom

        own = paths.data_dir() / f"phantom-{options.studies}-seed{options.seed}"
        root = phantom.write(options.data or own, options.studies, seed=options.seed)
    print(f"ready: {root}")


if __name__ == "__main__":
    sys.exit(main())
