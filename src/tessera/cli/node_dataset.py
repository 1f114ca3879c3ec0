"""`tessera node dataset …`: immutable versions of what the node holds."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tessera.cli.show import print_json, told

if TYPE_CHECKING:
    from tessera.domain.catalogue.notice import NoticeKind

dataset_app = typer.Typer(no_args_is_help=True, help="Immutable dataset versions of the node.")

Home = Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)]
DatasetIdText = Annotated[str, typer.Argument(help="The dataset's id.", metavar="ID")]
Version = Annotated[int | None, typer.Option("--version", min=1, help="Default: the newest.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(node_app: typer.Typer) -> None:
    """Add `dataset` and its sub-commands to `tessera node`."""
    node_app.add_typer(dataset_app, name="dataset")


@dataset_app.command("create")
def create_command(
    home: Home,
    title: Annotated[str | None, typer.Option(help="English title.")] = None,
    title_sv: Annotated[str | None, typer.Option("--title-sv", help="Swedish title.")] = None,
    description: Annotated[str | None, typer.Option(help="English description.")] = None,
    identifier: Annotated[
        str | None,
        typer.Option("--id", help="Id; default from the title. A known one: new version."),
    ] = None,
    where: Annotated[str, typer.Option(help="Cohort query that chooses the subjects.")] = "",
    publisher: Annotated[
        str | None, typer.Option(help="Who publishes; default the node's name.")
    ] = None,
    contact_email: Annotated[str | None, typer.Option(help="Where questions go.")] = None,
    contact_url: Annotated[str | None, typer.Option(help="Page for questions.")] = None,
    keyword: Annotated[list[str] | None, typer.Option(help="Keyword. Repeatable.")] = None,
    access: Annotated[
        list[str] | None,
        typer.Option(
            help="download, in-situ-processing, remote-processing. Repeatable. "
            "Default remote-processing."
        ),
    ] = None,
    data_use: Annotated[
        list[str] | None, typer.Option(help="DUO code, as DUO_0000042. Repeatable.")
    ] = None,
    provenance: Annotated[str | None, typer.Option(help="How the data came to be.")] = None,
    legal_basis: Annotated[str | None, typer.Option(help="Legal basis in words.")] = None,
    note: Annotated[
        str, typer.Option("--note", help="What this version changes, for its readers.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Freeze the node's images and clinical records as a new version of a dataset.

    Options that are not given are as in the newest version. When nothing has changed, no
    version is made. Numbers printed here are exact and for the node's operator.

    **Example:** `tessera node dataset create /srv/tessera --title "Prostate MR"
    --contact-email data@hospital.example --where 'cancer = prostate'`
    """
    from tessera.bootstrap.datasets import DatasetRequest, create_dataset

    request = DatasetRequest(
        dataset_id=identifier,
        title=title,
        titles={"sv": title_sv} if title_sv else None,
        description=description,
        keywords=tuple(keyword) if keyword else None,
        publisher=publisher,
        contact_email=contact_email,
        contact_url=contact_url,
        access_conditions=tuple(access) if access else None,
        data_use=tuple(data_use) if data_use else None,
        provenance=provenance,
        legal_basis=legal_basis,
        where=where,
        change_note=note,
    )
    with told():
        made = create_dataset(home, request, on_step=lambda step: typer.echo(step, err=True))
    if as_json:
        print_json(
            {
                "dataset_id": made.dataset_id,
                "version": made.version,
                "is_new": made.is_new,
                "manifest_sha256": made.manifest_sha256,
                "folder": str(made.folder),
                "rows": dict(made.n_rows),
                "subjects_without_images": made.n_without_images,
                "subjects_without_clinical_record": made.n_without_record,
                "findings": dict(made.findings),
            }
        )
        return
    if not made.is_new:
        typer.echo(
            f"nothing has changed since {made.dataset_id} version {made.version}; "
            "no new version was made"
            f"{', and the note was not kept' if note else ''}"
        )
        return
    typer.echo(f"{made.dataset_id} version {made.version}: {made.folder}")
    typer.echo(", ".join(f"{name} {n}" for name, n in made.n_rows.items()))
    if made.n_without_images:
        typer.echo(f"clinical records left out, no images stored: {made.n_without_images}")
    if made.n_without_record:
        typer.echo(f"subjects without a clinical record: {made.n_without_record}")
    found = ", ".join(f"{severity}s {n}" for severity, n in made.findings.items())
    typer.echo(f"quality findings: {found}; see {made.folder / 'quality.html'}")
    typer.echo(f"manifest {made.manifest_sha256}")


@dataset_app.command("list")
def list_command(home: Home, as_json: Json = False) -> None:
    """List the node's datasets.

    **Example:** `tessera node dataset list /srv/tessera`
    """
    from tessera.bootstrap.datasets import list_datasets

    with told():
        listed = list_datasets(home)
    if as_json:
        print_json(
            [
                {
                    "dataset_id": one.dataset_id,
                    "versions": list(one.versions),
                    "title": one.title,
                    "created": one.created,
                    "subjects": one.n_subjects,
                    "studies": one.n_studies,
                }
                for one in listed
            ]
        )
        return
    for one in listed:
        typer.echo(
            f"{one.dataset_id}\tv{one.versions[-1]}\t{one.created}\t"
            f"{one.n_subjects} subjects\t{one.n_studies} studies\t{one.title}"
        )
    if not listed:
        typer.echo("no dataset yet; tessera node dataset create HOME --title …", err=True)


@dataset_app.command("show")
def show_command(
    home: Home, identifier: DatasetIdText, version: Version = None, as_json: Json = False
) -> None:
    """Show a version: what the catalogue would say, and for the operator the exact rows.

    **Example:** `tessera node dataset show /srv/tessera prostate-mr --version 1`
    """
    from tessera.bootstrap.datasets import show_dataset

    with told():
        shown = show_dataset(home, identifier, version)
    if as_json:
        print_json(shown)
        return
    lines = _lines(shown)
    width = max(len(name) for name, _ in lines)
    for name, text in lines:
        typer.echo(f"{name:<{width}}  {text}")


def _lines(shown: dict[str, object]) -> list[tuple[str, str]]:
    """Return names and texts: first what stays in the node, then what the catalogue says."""
    lines: list[tuple[str, str]] = []
    described: dict[str, Any] = {}
    for name, value in shown.items():
        if name == "description" and isinstance(value, dict):
            described = dict(value)
        elif _text(value):
            lines.append((name.replace("_", " "), _text(value)))
    facets = described.pop("facets", {})
    said = {name for name, _ in lines}
    for name, value in described.items():
        if _text(value) and name.replace("_", " ") not in said:
            lines.append((name.replace("_", " "), _text(value)))
    for name, cells in facets.items():
        counts = (f"{one['value']} {one['n_subjects'] or 'too few to tell'}" for one in cells)
        lines.append((name.replace("_", " "), ", ".join(counts)))
    return lines


def _text(value: object) -> str:
    """Return a value as a person reads it: no brackets, no quotes, nothing that is empty."""
    if isinstance(value, dict):
        parts = ((key, _text(part)) for key, part in value.items())
        return ", ".join(f"{key} {part}" for key, part in parts if part)
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return "" if value is None else str(value)


@dataset_app.command("publish")
def publish_command(
    home: Home, identifier: DatasetIdText, version: Version = None, as_json: Json = False
) -> None:
    """Send a version's description to the hub's catalogue. The data stays here.

    **Example:** `tessera node dataset publish /srv/tessera prostate-mr`
    """
    from tessera.bootstrap.datasets import publish

    with told():
        sent = publish(home, identifier, version)
    if as_json:
        print_json({"dataset_id": sent.dataset_id, "version": sent.version})
    else:
        typer.echo(f"{sent.dataset_id} version {sent.version} is in the hub's catalogue")


@dataset_app.command("confirm")
def confirm_command(home: Home, identifier: DatasetIdText) -> None:
    """Say that a published description still holds; asked of the holder once a year.

    **Example:** `tessera node dataset confirm /srv/tessera prostate-mr`
    """
    from tessera.domain.catalogue.notice import NoticeKind

    _give_notice(home, identifier, NoticeKind.CONFIRMED)
    typer.echo(f"{identifier} is confirmed; next within a year")


@dataset_app.command("withdraw")
def withdraw_command(
    home: Home,
    identifier: DatasetIdText,
    reason: Annotated[str, typer.Option("--reason", help="Why, in a line; it is public.")],
    successor: Annotated[
        str, typer.Option("--successor", help="The dataset that takes its place.")
    ] = "",
) -> None:
    """Take a dataset out of the hub's catalogue; its address goes on to say so.

    The node answers for it no more, from this moment. Its files stay. A later version that is
    published puts it back.

    **Example:** `tessera node dataset withdraw /srv/tessera prostate-mr
    --reason 'Consent was asked for anew.' --successor prostate-mr-2`
    """
    from tessera.domain.catalogue.notice import NoticeKind

    _give_notice(home, identifier, NoticeKind.WITHDRAWN, reason, successor)
    typer.echo(f"{identifier} is withdrawn; the hub says so at its address")


def _give_notice(
    home: Path, identifier: str, kind: "NoticeKind", reason: str = "", successor: str = ""
) -> None:
    from datetime import UTC, datetime

    from tessera.bootstrap.link import give_notice
    from tessera.domain.catalogue.notice import Notice
    from tessera.domain.ids import dataset_id

    with told():
        notice = Notice(
            dataset_id=dataset_id(identifier),
            kind=kind,
            at=datetime.now(UTC),
            reason=reason,
            successor=dataset_id(successor) if successor else "",
        )
        give_notice(home, notice)
