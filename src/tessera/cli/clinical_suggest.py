"""`tessera clinical suggest`: a proposed mapping, with evidence and at most ten questions."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tessera.cli.clinical_profile import Files
from tessera.cli.show import has_folder, print_json, told

if TYPE_CHECKING:
    from tessera.domain.clinical.profile import TableProfile
    from tessera.domain.clinical.suggest_types import Question, Suggestion


def register(clinical_app: typer.Typer) -> None:
    """Add the command to `tessera clinical`."""
    clinical_app.command("suggest")(suggest_command)


def suggest_command(
    files: Files,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Write the mapping file (TOML).", callback=has_folder),
    ] = None,
    questions: Annotated[
        Path | None,
        typer.Option(help="Write the questions, to be answered in the file.", callback=has_folder),
    ] = None,
    answers: Annotated[Path | None, typer.Option(help="Questions file with answers.")] = None,
    interactive: Annotated[
        bool, typer.Option(help="Ask here and now; the answers are kept beside OUT.")
    ] = False,
    page: Annotated[
        bool, typer.Option(help="Open a page on this computer to look, change and save.")
    ] = False,
    port: Annotated[int, typer.Option(help="TCP port of the page; 0 is a free one.", min=0)] = 0,
    browser: Annotated[bool, typer.Option(help="Open a browser at the page.")] = True,
    site: Annotated[str, typer.Option(help="Name of the hospital, for the mapping.")] = "",
    issuer: Annotated[
        str, typer.Option(help="IssuerOfPatientID that the images carry, if they carry one.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Propose how tables become the common data model; nothing is mapped on a guess.

    What is certain is mapped. At most ten questions per table ask for what only a person can
    say; what is not answered is left out, and the mapping file says why.

    **Example:** `tessera clinical suggest registry.csv -o registry.toml --questions ask.toml`
    """
    with told(stopped="closed"):
        from tessera.bootstrap.clinical_suggest import (
            ask_all,
            name_of,
            profile_files,
            read_answers,
            suggest_profiles,
            write_answers,
            write_mapping,
            write_questions,
        )

        profiles = profile_files(files)
        said = read_answers(answers)
        name = name_of(files, site)
        if page:
            from tessera.bootstrap.mapping_desk import serve_mapping

            serve_mapping(
                profiles,
                said,
                out or Path(f"{name}.toml"),
                name=name,
                site=site,
                issuer=issuer,
                port=port,
                tell=typer.echo,
                browser=browser,
            )
            return
        if interactive:
            said = ask_all(profiles, said, _ask)
        made = suggest_profiles(profiles, said)
        if out is not None:
            write_mapping(out, made, name=name, site=site, issuer=issuer)
            if interactive:
                write_answers(out, said)
        if questions is not None:
            write_questions(questions, made)
    if as_json:
        from tessera.domain.clinical.profile_json import suggestion_json

        print_json([suggestion_json(one) for one in made])
        return
    for one in made:
        _show(one)


def _ask(profile: "TableProfile", question: "Question") -> str:
    typer.secho(f"\n{profile.table.name}: {question}", bold=True, err=True)
    for number, choice in enumerate(question.choices, start=1):
        mark = "*" if choice.key == question.default else " "
        label = "" if choice.label == choice.key else f"  {choice.label}"
        typer.echo(f" {mark}{number:>3}  {choice.key}{label}", err=True)
    keys = {choice.key for choice in question.choices}
    while True:
        said: str = typer.prompt(
            "number or word; Enter for *, ? to leave it open",
            default="",
            show_default=False,
            err=True,
        ).strip()
        if said == "?":
            return ""
        if not said:
            return question.default
        if said.isdecimal() and 1 <= int(said) <= len(question.choices):
            return question.choices[int(said) - 1].key
        if said in keys:
            return said


def _show(one: "Suggestion") -> None:
    patient = one.patient or "NOT KNOWN: answer the question"
    typer.secho(f"{one.profile.table.name}: patient {patient}", bold=True)
    for proposal in one.proposals:
        reasons = "; ".join(str(reason) for reason in proposal.evidence)
        typer.echo(
            f"  {proposal.column} → {proposal.variable}  {proposal.confidence:.2f}  {reasons}"
        )
        if proposal.unread:
            cells = sum(n for _, n in proposal.unread)
            typer.echo(f"      {len(proposal.unread)} values in {cells} cells have no meaning yet")
    for left in one.left:
        typer.echo(f"  {left.column}: {left}")
    for question in one.questions:
        typer.secho(f"  ? {question} [{question.default}]", fg=typer.colors.YELLOW)
    typer.echo(
        f"{len(one.proposals)} columns mapped, {len(one.left)} left out,"
        f" {len(one.questions)} questions",
        err=True,
    )
