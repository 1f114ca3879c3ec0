"""`tessera node case`: a released model on one study, for research."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tessera.cli.show import has_folder, print_json, told

if TYPE_CHECKING:
    from tessera.domain.case.model import ReleasedModel
    from tessera.node.case import CaseOutcome

Home = Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)]
NOTICE: Final = "Research use only – not for clinical decisions"


def register(node_app: typer.Typer) -> None:
    """Add `case` to `tessera node`."""
    node_app.command("case")(case_command)


def case_command(
    home: Home,
    study_uid: Annotated[
        str,
        typer.Argument(
            help="De-identified StudyInstanceUID; - reads it from standard input.",
            metavar="STUDY_UID",
            show_default=False,
        ),
    ],
    model: Annotated[str, typer.Option(help="A model's id, or how it begins.")],
    original: Annotated[
        bool, typer.Option("--original", help="STUDY_UID is as in the PACS.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder that also gets a copy of the object.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="PNG of the slice with the largest marked area.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run a released model on one study and store what it marks beside the images.

    Research use only: the object says so, and it is no part of any dataset version.

    **Example:** `tessera node case /srv/tessera 2.25.1234 --model 3f9a1c --picture look.png`
    """
    from tessera.bootstrap.case import CaseRequest, picture_of, run_case
    from tessera.domain.zones import Identified

    has_folder(picture)
    if out is not None and not out.is_dir():
        raise typer.BadParameter(f"{out} is no folder", param_hint="--out")
    asked = Identified(sys.stdin.readline() if study_uid == "-" else study_uid)
    with told():
        request = CaseRequest(study_uid=asked, model=model, is_original=original)
        outcome, used = run_case(home, request)
        copied = None
        if out is not None:
            copied = out / outcome.path.name
            copied.write_bytes(outcome.path.read_bytes())
        if picture is not None:
            picture.write_bytes(picture_of(home, outcome))
    if as_json:
        print_json(_json(outcome, used, copied))
    else:
        _tell(outcome, used, copied)


def _tell(outcome: "CaseOutcome", model: "ReleasedModel", copied: Path | None) -> None:
    answer, test = outcome.answer, model.card.external_test
    typer.secho(NOTICE, bold=True)
    typer.echo(f"{model.tool_name} {model.tool_version}, model {model.sha256[:12]}: {answer.label}")
    typer.echo(f"probability   {answer.probability:.3f}, as the tool defines it")
    if answer.region_probability is not None and answer.is_marked:
        typer.echo(f"              {answer.region_probability:.3f} on average in what is marked")
    if answer.volume_ml is not None:
        typer.echo(f"volume        {answer.volume_ml:.2f} ml")
    typer.echo(f"external test {test.told() if test else 'none known: how good it is, is unknown'}")
    state = "" if outcome.is_new else " (was there before, unchanged)"
    typer.echo(f"{outcome.row.modality:<13} {outcome.path}{state}")
    if copied is not None:
        typer.echo(f"copy          {copied}")
    typer.echo(f"took          {outcome.seconds:.1f} s")


def _json(outcome: "CaseOutcome", model: "ReleasedModel", copied: Path | None) -> dict[str, object]:
    from tessera.cli.node_model import model_json

    answer, row = outcome.answer, outcome.row
    return {
        "notice": NOTICE,
        "label": answer.label,
        "probability": answer.probability,
        "region_probability": answer.region_probability,
        "volume_ml": answer.volume_ml,
        "marked_slices": int(answer.mask.any(axis=(1, 2)).sum()) if answer.mask is not None else 0,
        "series_uid": answer.series[0].series_uid,
        "object": {
            "modality": row.modality,
            "series_uid": row.series_uid,
            "instance_uid": row.instance_uid,
            "sha256": row.sha256,
            "path": str(outcome.path),
            "is_new": outcome.is_new,
        },
        "copy": copied and str(copied),
        "seconds": round(outcome.seconds, 3),
        "model": model_json(model),
    }
