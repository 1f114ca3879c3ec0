"""`tessera node opt-out …`: patients who do not want their data used."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tessera.cli import exit_codes
from tessera.cli.show import print_json, told

if TYPE_CHECKING:
    from tessera.bootstrap.opt_out import Renewed
    from tessera.domain.zones import Identified
    from tessera.node.opt_out import OptOutOutcome, VersionSeen

opt_out_app = typer.Typer(
    no_args_is_help=True,
    help="Patients who have opted out: in no count, version or run from then on.",
)

Home = Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)]
Patient = Annotated[
    str | None,
    typer.Argument(
        help="Patient identifier or pseudonym; - reads standard input. On a command line other "
        "accounts of the machine and the shell's history can see it: use --file or -.",
        metavar="PATIENT_ID",
        show_default=False,
    ),
]
File = Annotated[
    Path | None,
    typer.Option("--file", help="Identifiers, one on a line; - reads standard input."),
]
Issuer = Annotated[
    str, typer.Option(help="IssuerOfPatientID, when another hospital gave the identifier.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(node_app: typer.Typer) -> None:
    """Add `opt-out` and its sub-commands to `tessera node`."""
    node_app.add_typer(opt_out_app, name="opt-out")


@opt_out_app.command("add")
def add_command(
    home: Home,
    patient: Patient = None,
    file: File = None,
    issuer: Issuer = "",
    reason: Annotated[
        str, typer.Option(help="Kept in the list. No reason is needed; name nobody in it.")
    ] = "",
    new_versions: Annotated[
        bool,
        typer.Option(
            "--new-versions",
            help="Make a new version of each dataset whose newest holds a patient named here, "
            "and publish it where the dataset is published.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Take patients out of every count, version and run from now on.

    A running node sees it at its next query. Says which dataset versions hold them; those are
    never rewritten; and which runs and released models have seen them. Patients who are not in
    the node yet are kept out beforehand. Give the identifiers in a file or on standard input,
    so that none stands on a command line.
    Exit code 3 when --new-versions could not make or publish one.

    **Example:** `tessera node opt-out add /srv/tessera --file objections.txt --new-versions`
    """
    from tessera.bootstrap.opt_out import opt_out, renew

    with told():
        patients = _patients(patient, file)
        outcome = opt_out(home, patients, issuer=issuer, reason=reason)
        made = (
            renew(home, outcome, on_step=lambda step: typer.echo(step, err=True))
            if new_versions
            else ()
        )
    if as_json:
        print_json(_outcome_json(outcome) | {"new_versions": [_renewed_json(m) for m in made]})
    else:
        before = len(outcome.subjects) - len(outcome.changed)
        typer.echo(f"opted out: {len(outcome.changed)} now, {before} before")
        _tell_subjects(outcome)
        _tell_versions(outcome)
        _tell_runs(outcome)
        for one in made:
            _tell_renewed(one)
        if outcome.to_renew and not new_versions:
            typer.echo(
                f"make and publish a new version of: {', '.join(outcome.to_renew)}; "
                "the same command with --new-versions does it"
            )
    if any(one.problem for one in made):
        raise typer.Exit(exit_codes.INCOMPLETE)


@opt_out_app.command("remove")
def remove_command(
    home: Home,
    patient: Patient = None,
    file: File = None,
    issuer: Issuer = "",
    as_json: Json = False,
) -> None:
    """Take an opt-out back: the patients are counted again from now on.

    What ingest and clinical tables left out meanwhile comes in when they are run again; a new
    version of a dataset then holds them again.

    **Example:** `tessera node opt-out remove /srv/tessera --file taken-back.txt`
    """
    from tessera.bootstrap.opt_out import take_back

    with told():
        outcome = take_back(home, _patients(patient, file), issuer=issuer)
    if as_json:
        print_json(_outcome_json(outcome))
        return
    others = len(outcome.subjects) - len(outcome.changed)
    typer.echo(f"taken off the list: {len(outcome.changed)}; not on it: {others}")
    _tell_subjects(outcome)
    if outcome.changed:
        typer.echo(
            "next: run ingest and clinical again for what was left out meanwhile, then make new "
            "versions of the datasets"
        )


@opt_out_app.command("list")
def list_command(home: Home, as_json: Json = False) -> None:
    """List who has opted out, by pseudonym. The list stays in the hospital.

    **Example:** `tessera node opt-out list /srv/tessera`
    """
    from tessera.bootstrap.opt_out import opted_out

    with told():
        listed = opted_out(home)
    if as_json:
        print_json(
            [
                {
                    "subject": one.subject,
                    "since": one.since.isoformat(),
                    "by": one.by,
                    "reason": one.reason,
                }
                for one in listed
            ]
        )
        return
    for one in listed:
        reason = " ".join(one.reason.split())
        typer.echo(f"{one.subject}\t{one.since.isoformat()}\t{one.by}\t{reason}")
    typer.echo(f"{len(listed)} opted out", err=True)


def _patients(patient: str | None, file: Path | None) -> "tuple[Identified[str], ...]":
    from tessera.domain.access.exclusions import patient_ids
    from tessera.domain.errors import InvalidInput, NotFound

    if (patient is None) == (file is None):
        raise typer.BadParameter("give one of PATIENT_ID, - and --file FILE")
    if patient is not None and patient != "-":
        return patient_ids(patient, "PATIENT_ID")
    where = "standard input" if file is None or str(file) == "-" else str(file)
    try:
        raw = sys.stdin.buffer.read() if where == "standard input" else Path(where).read_bytes()
    except OSError as err:
        raise NotFound(f"{where} cannot be read: {err.strerror}") from err
    try:
        return patient_ids(raw.decode("utf-8"), where)
    except UnicodeDecodeError as err:
        raise InvalidInput(f"{where} is not UTF-8; save it as UTF-8 text") from err


def _tell_subjects(outcome: "OptOutOutcome") -> None:
    """One line each, in the order named: by pseudonym, since identifiers are not repeated."""
    for number, subject in enumerate(outcome.subjects, start=1):
        known = "in this node" if subject in outcome.in_node else "not in this node"
        typer.echo(f"{number}\t{subject}\t{known}")
    strangers = len(outcome.subjects) - len(outcome.in_node)
    if strangers:
        typer.echo(
            f"{strangers} not in this node: if they should be, check how the identifier is "
            "written in the images, and --issuer",
            err=True,
        )


def _tell_versions(outcome: "OptOutOutcome") -> None:
    for one in outcome.versions:
        name = f"{one.dataset_id} version {one.version} ({_words(one)})"
        if one.subjects is None:
            typer.echo(f"cannot be read, may hold them: {name}")
        else:
            numbers = [i for i, s in enumerate(outcome.subjects, start=1) if s in one.subjects]
            who = f"number {', '.join(map(str, numbers))}"
            typer.echo(f"holds {who if len(numbers) <= 10 else f'{len(numbers)} of them'}: {name}")
    if not outcome.versions:
        typer.echo("no dataset version holds any of them")


def _tell_runs(outcome: "OptOutOutcome") -> None:
    for one in outcome.runs:
        run, since = one.run, one.run.started_at or one.run.taken_at
        numbers = [i for i, s in enumerate(outcome.subjects, start=1) if s in one.subjects]
        who = f"number {', '.join(map(str, numbers))}"
        versions = ", ".join(f"{name} version {version}" for name, version in one.datasets)
        let_out = f"{one.n_released} files let out" if one.n_released else "nothing let out"
        models = f", among them: {', '.join(one.models)}" if one.models else ""
        typer.echo(
            f"{who if len(numbers) <= 10 else f'{len(numbers)} of them'} was in: {run.action} "
            f"{run.use_id} of {since:%Y-%m-%d}, {versions} ({run.state}; {let_out}{models})"
        )
    if not outcome.runs:
        typer.echo("no run or training has seen any of them")


def _words(one: "VersionSeen") -> str:
    newest = ["newest"] if one.is_newest else []
    return ", ".join([*newest, "published" if one.is_published else "not published"])


def _tell_renewed(one: "Renewed") -> None:
    if one.version is None:
        typer.echo(f"{one.dataset_id}: no new version; {one.problem}", err=True)
        return
    tail = {
        "yes": "published",
        "no": "not published, as no version of it was",
        "waiting": f"the running node publishes it when the hub can be reached ({one.problem})",
        "failed": f"not published: {one.problem}",
    }[one.published]
    typer.echo(
        f"new: {one.dataset_id} version {one.version}, {tail}", err=one.published == "failed"
    )


def _outcome_json(outcome: "OptOutOutcome") -> dict[str, object]:
    return {
        "subjects": [
            {"subject": s, "changed": s in outcome.changed, "in_node": s in outcome.in_node}
            for s in outcome.subjects
        ],
        "versions": [
            {
                "dataset_id": one.dataset_id,
                "version": one.version,
                "newest": one.is_newest,
                "published": one.is_published,
                "subjects": None if one.subjects is None else sorted(one.subjects),
            }
            for one in outcome.versions
        ],
        "runs": [
            {
                "use_id": one.run.use_id,
                "action": one.run.action,
                "permit_id": one.run.permit_id,
                "state": one.run.state.value,
                "at": (one.run.started_at or one.run.taken_at).isoformat(),
                "datasets": [{"dataset_id": name, "version": n} for name, n in one.datasets],
                "subjects": sorted(one.subjects),
                "released": one.n_released,
                "models": list(one.models),
            }
            for one in outcome.runs
        ],
    }


def _renewed_json(one: "Renewed") -> dict[str, object]:
    return {
        "dataset_id": one.dataset_id,
        "version": one.version,
        "published": one.published,
        "problem": one.problem,
    }
