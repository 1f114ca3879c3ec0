"""`tessera node labels …`: labels drawn elsewhere as DICOM SEG, and series for training."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tessera.cli import exit_codes
from tessera.cli.show import print_json, progress, told
from tessera.domain.labels.file_kind import FileKind

if TYPE_CHECKING:
    from tessera.node.labels import LabelsStored
    from tessera.ports.labels import ExportedSeries

labels_app = typer.Typer(
    no_args_is_help=True, help="Labels on images: import as DICOM SEG, list, export for training."
)
Home = Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Resample = Annotated[
    str, typer.Option(help="nearest: labels may lie on other voxels than the image's.")
]


def register(node_app: typer.Typer) -> None:
    """Add `labels` to `tessera node`."""
    node_app.add_typer(labels_app, name="labels")


@labels_app.command("import")
def import_command(
    home: Home,
    files: Annotated[
        list[Path], typer.Argument(help="NIfTI, NRRD or RTSTRUCT files.", metavar="FILE…")
    ],
    series: Annotated[
        str,
        typer.Option(
            help="De-identified SeriesInstanceUID; - reads it from standard input; auto finds the "
            "series that the labels lie on."
        ),
    ] = "auto",
    original: Annotated[
        bool, typer.Option("--original", help="The UID is as in the PACS; give it by `-`.")
    ] = False,
    study: Annotated[
        str, typer.Option(help="De-identified StudyInstanceUID: look in this study alone.")
    ] = "",
    label_map: Annotated[
        Path | None, typer.Option("--map", help="labels.toml: codes, and who drew them how.")
    ] = None,
    made: Annotated[
        str, typer.Option(help="manual, semiautomatic or automatic; else as the map says.")
    ] = "",
    resample: Resample = "",
    as_json: Json = False,
) -> None:
    """Store labels as DICOM SEG beside the images that they lie on.

    Nothing is resampled unless asked for: labels that lie on other voxels are refused, with how
    far they are off. Exit code 3 when a file was refused; the others are stored.

    **Example:** `tessera node labels import /srv/tessera prostate.nii.gz --map labels.toml`
    """
    from tessera.bootstrap.labels import LabelImport, LabelsAsked
    from tessera.domain.errors import TesseraError
    from tessera.domain.zones import Identified

    resampled = _resample(resample)
    if label_map is not None and not label_map.is_file():
        raise typer.BadParameter(f"{label_map} is no file", param_hint="--map")
    if original and series != "-":
        raise typer.BadParameter(
            "a UID of the PACS is read from standard input: --series -", param_hint="--series"
        )
    refused, taken = 0, []
    with told():
        asked = LabelsAsked(
            series=Identified(sys.stdin.readline() if series == "-" else series),
            is_original=original,
            study=Identified(study) if study else None,
            map_file=label_map,
            made=made,
            resample=resampled,
        )
        desk = LabelImport(home, asked)
        with progress() as bar:
            task = bar.add_task("labels", total=len(files))
            for file in files:
                try:
                    stored = desk.take(file)
                    taken.append({"file": str(file), **_json(stored)})
                    if not as_json:
                        _tell(file, stored)
                except TesseraError as err:
                    refused += 1
                    taken.append({"file": str(file), "error": err.code, "message": str(err)})
                    if not as_json:
                        typer.secho(f"{file}: {err}", err=True, fg=typer.colors.RED)
                bar.advance(task)
    if as_json:
        print_json(taken)
    if refused:
        raise typer.Exit(exit_codes.INCOMPLETE)


@labels_app.command("list")
def list_command(
    home: Home,
    series: Annotated[str, typer.Option(help="Only those on this series.")] = "",
    as_json: Json = False,
) -> None:
    """List the segmentations and structure sets of the node, with their segments.

    **Example:** `tessera node labels list /srv/tessera`
    """
    from tessera.bootstrap.labels import list_labels

    with told():
        found = list(list_labels(home, series or None))
    if as_json:
        print_json(found)
        return
    for one in found:
        segments = one["segments"]
        names = [str(s.get("label", "")) for s in segments] if isinstance(segments, list) else []
        typer.echo(f"{one['kind']}\t{one['subject']}\t{one['instance_uid']}\t{', '.join(names)}")
    typer.echo(f"{len(found)} with labels", err=True)


@labels_app.command("export")
def export_command(
    home: Home,
    out: Annotated[Path, typer.Argument(help="Folder to write to.", metavar="OUT")],
    dataset: Annotated[str, typer.Option(help="A dataset of this node.")] = "",
    version: Annotated[
        int | None, typer.Option(min=1, help="Of the dataset; default the newest.")
    ] = None,
    series: Annotated[
        list[str] | None, typer.Option(help="De-identified SeriesInstanceUID. Repeatable.")
    ] = None,
    kind: Annotated[FileKind, typer.Option("--format", help="Of the files.")] = FileKind.NIFTI,
    suv: Annotated[bool, typer.Option("--suv", help="PET as SUV by body weight.")] = False,
    dtype: Annotated[str, typer.Option(help="auto, int16 or float32.")] = "auto",
    resample: Resample = "",
    as_json: Json = False,
) -> None:
    """Write series with their labels as NIfTI or NRRD, for those who train in the hospital.

    The files are de-identified as the series are, and yours to guard. Exit code 3 when some
    could not be written.

    **Example:** `tessera node labels export /srv/tessera out --dataset prostate-mri`
    """
    from tessera.bootstrap.labels import export_dataset, export_series
    from tessera.ports.labels import ExportWish

    if bool(dataset) == bool(series):
        raise typer.BadParameter("name a dataset, or series", param_hint="--dataset")
    if dtype not in ("auto", "int16", "float32"):
        raise typer.BadParameter("auto, int16 or float32", param_hint="--dtype")
    wish = ExportWish(kind=kind, suv=suv, dtype=dtype, resample=_resample(resample))
    done: list[ExportedSeries] = []
    with told():
        found = (
            export_dataset(home, out, dataset, version, wish)
            if dataset
            else export_series(home, out, series or [], wish)
        )
        with progress() as bar:
            task = bar.add_task("series", total=None)
            for one in found:
                done.append(one)
                bar.advance(task)
                if not as_json:
                    _tell_series(one)
    if as_json:
        print_json([_series_json(one) for one in done])
    else:
        n_files = sum(len(one.files) for one in done)
        n_labels = sum(one.n_labels for one in done)
        typer.echo(f"{len(done)} series, {n_labels} with labels, {n_files} files → {out}")
    if any(one.problems for one in done):
        raise typer.Exit(exit_codes.INCOMPLETE)


def _resample(said: str) -> bool:
    if said not in ("", "nearest"):
        raise typer.BadParameter("nearest, or leave it out", param_hint="--resample")
    return bool(said)


def _tell(file: Path, stored: "LabelsStored") -> None:
    state = "" if stored.is_new else " (was there before, unchanged)"
    typer.echo(f"{file} → SEG {stored.row.instance_uid} on series {stored.series_uid}{state}")
    for number, (name, meaning, voxels) in enumerate(stored.segments, start=1):
        typer.echo(f"  {number} {name} ({meaning}): {voxels} voxels")
    notes = []
    if stored.n_uncoded:
        notes.append(f"{stored.n_uncoded} segments have no code and are called Tissue: use --map")
    if stored.n_cleaned:
        notes.append(f"{stored.n_cleaned} texts were changed: a word in them may name somebody")
    if stored.n_left_out:
        notes.append(f"{stored.n_left_out} contours are points or open lines and were left out")
    if stored.missing:
        notes.append(f"not told, and asked for by tier 1: {', '.join(stored.missing)}")
    for note in notes:
        typer.secho(f"  {note}", err=True)


def _tell_series(one: "ExportedSeries") -> None:
    if one.folder is not None:
        typer.echo(f"{one.folder}: {', '.join(one.files)}")
    for problem in one.problems:
        typer.secho(f"series {one.series_uid}: {problem}", err=True, fg=typer.colors.RED)


def _json(stored: "LabelsStored") -> dict[str, object]:
    return {
        "instance_uid": stored.row.instance_uid,
        "series_uid": stored.row.series_uid,
        "on_series": stored.series_uid,
        "path": str(stored.path),
        "is_new": stored.is_new,
        "segments": [
            {"number": number, "label": name, "type": meaning, "voxels": voxels}
            for number, (name, meaning, voxels) in enumerate(stored.segments, start=1)
        ],
        "n_cleaned": stored.n_cleaned,
        "n_uncoded": stored.n_uncoded,
        "n_left_out_contours": stored.n_left_out,
        "missing": list(stored.missing),
    }


def _series_json(one: "ExportedSeries") -> dict[str, object]:
    return {
        "series_uid": one.series_uid,
        "folder": one.folder and str(one.folder),
        "files": list(one.files),
        "n_labels": one.n_labels,
        "problems": list(one.problems),
    }
