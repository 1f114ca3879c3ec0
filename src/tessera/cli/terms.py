"""`tessera terms`: look up concepts, their codes and their words in several languages."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tessera.cli import exit_codes
from tessera.cli.show import has_folder, print_json, told

if TYPE_CHECKING:
    from tessera.domain.terms.concept import Concept

terms_app = typer.Typer(
    no_args_is_help=True, help="The terminology: concepts, their codes and their words."
)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Language = Annotated[str, typer.Option("--language", help="Language of the labels: en or sv.")]


def register(app: typer.Typer) -> None:
    """Add `tessera terms`."""
    app.add_typer(terms_app, name="terms")


@terms_app.command("search")
def search(
    text: Annotated[str, typer.Argument(help="A word in any of the languages, or a code.")],
    group: Annotated[str, typer.Option("--group", help="Only this group.")] = "",
    language: Language = "en",
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 20,
    json: AsJson = False,
) -> None:
    """Print the concepts that a text may mean, best first; also when it is misspelt.

    **Example:** `tessera terms search tjocktarmscanser --language sv`
    """
    with told():
        from tessera.domain.terms.search import search as found_by

        found = found_by(text, language, group=group or None, limit=limit)
        if json:
            print_json(
                [_as_json(one.concept) | {"word": one.word, "score": one.score} for one in found]
            )
            return
        if not found:
            typer.echo("no concept is like that", err=True)
            raise typer.Exit(exit_codes.FAILED)
        for one in found:
            typer.echo(
                f"{one.score:5.2f}  {one.concept.group}/{one.concept.name:<24}  "
                f"{one.concept.label(language)}  ({one.word})"
            )


@terms_app.command("show")
def show(
    term: Annotated[
        str, typer.Argument(help="A name, group/name, code (399068003, SCT:399068003) or word.")
    ],
    group: Annotated[str, typer.Option("--group", help="Only this group.")] = "",
    language: Language = "en",
    json: AsJson = False,
) -> None:
    """Print all that the terminology says of a concept; of each, when several are called so.

    **Example:** `tessera terms show cancer/colon`
    """
    with told():
        found = _meant(term, group)
        if json:
            print_json([_as_json(one) for one in found])
            return
        typer.echo("\n\n".join(_told(one, language) for one in found))


@terms_app.command("groups")
def groups(language: Language = "en", json: AsJson = False) -> None:
    """Print the version of the terminology, and its groups.

    **Example:** `tessera terms groups --language sv`
    """
    with told():
        from tessera.domain.terms import terminology

        rows = [
            {
                "group": name,
                "meaning": terminology.group_label(name, language),
                "concepts": len(terminology.group(name)),
            }
            for name in terminology.groups()
        ]
        if json:
            print_json({"version": terminology.version(), "groups": rows})
            return
        typer.echo(f"terminology {terminology.version()}")
        for row in rows:
            typer.echo(f"{row['group']:<24} {row['concepts']:>4}  {row['meaning']}")


@terms_app.command("migrate")
def migrate(
    file: Annotated[
        Path, typer.Argument(help="A CSV table (UTF-8) whose columns are groups or columns.")
    ],
    since: Annotated[str, typer.Option("--from", help="Version that the table was made with.")],
    out: Annotated[
        Path | None, typer.Option("--out", callback=has_folder, help="Where the new table goes.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Bring a table that says concepts of an older version to the present one.

    Without --out only tells what would change. A retired concept that nothing replaced is left
    as it is and told; the exit code is then 1.

    **Example:** `tessera terms migrate condition.csv --from 1.0.0 --out condition-2.csv`
    """
    with told():
        from tessera.bootstrap.terms import migrate_table

        report = migrate_table(file, since, out)
        if json:
            print_json(report)
        else:
            typer.echo(
                f"{report['rows']} rows, {report['changed']} values changed, "
                f"{len(report['unknown'])} that the terminology does not know"
            )
            for line in report["unknown"]:
                typer.echo(f"  {line['column']}: {line['value']} ({line['rows']} rows)")
        if report["unknown"]:
            raise typer.Exit(exit_codes.FAILED)


def _meant(term: str, group: str) -> list["Concept"]:
    from tessera.domain.terms import terminology
    from tessera.domain.terms.errors import UnknownConcept

    if not group and term.partition("/")[0] in terminology.groups():
        group, _, term = term.partition("/")
    within = (group,) if group else terminology.groups()
    found = [one for name in within if (one := terminology.named(name, term)) is not None]
    if not found:
        raise UnknownConcept(
            f"no concept has the name, word or code {term!r}; try: tessera terms search"
        )
    return found


def _told(one: "Concept", language: str) -> str:
    from tessera.domain.terms.terminology import narrower

    other = one.label("en" if language[:2] == "sv" else "sv")
    lines = [f"{one.group}/{one.name}", f"  {one.label(language)}  ({other})"]
    lines += [f"  {system:<8} {code}" for system, code in one.codes.items()]
    lines += [f"  {system:<8} covers {', '.join(all_)}" for system, all_ in one.covers.items()]
    if one.same_as:
        lines.append(f"  same as  {', '.join(one.same_as)}")
    if one.parents:
        lines.append(f"  is a     {', '.join(one.parents)}")
    below = narrower(one.group, one.name)[1:] if not one.retired else ()
    if below:
        lines.append(f"  includes {', '.join(name for name in below if name != one.name)}")
    lines += [f"  {key:<8} {value}" for key, value in one.facts.items()]
    lines += [f"  {spoken:<8} {'; '.join(said)}" for spoken, said in one.synonyms.items()]
    lines.append(f"  since    {one.since}")
    if one.retired:
        lines.append(f"  retired  {one.retired}, now {one.replaced_by or 'nothing'}")
    return "\n".join(lines)


def _as_json(one: "Concept") -> dict[str, object]:
    return {
        "group": one.group,
        "name": one.name,
        "label": {"en": one.label_en, "sv": one.label_sv},
        "synonyms": dict(one.synonyms),
        "codes": dict(one.codes),
        "covers": dict(one.covers),
        "same_as": one.same_as,
        "parents": one.parents,
        "facts": dict(one.facts),
        "since": one.since,
        "retired": one.retired,
        "replaced_by": one.replaced_by,
    }
