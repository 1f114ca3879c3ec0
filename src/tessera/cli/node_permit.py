"""`tessera node permit …`: what a node is asked to allow, and the answer of a person there."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tessera.cli.show import print_json, told

if TYPE_CHECKING:
    from tessera.node.countersigning import PermitSeen, VersionLooked

permit_app = typer.Typer(
    no_args_is_help=True,
    help="Permits: look at one, countersign, decline or revoke it. Without a countersignature "
    "nothing is done under it.",
)

Home = Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)]
Id = Annotated[str, typer.Argument(help="The permit's id, or how it begins.", show_default=False)]
By = Annotated[
    str,
    typer.Option(help="Who decides; default the account. The hub is told it on countersigning."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(node_app: typer.Typer) -> None:
    """Add `permit` and its sub-commands to `tessera node`."""
    node_app.add_typer(permit_app, name="permit")


@permit_app.command("list")
def list_command(home: Home, as_json: Json = False) -> None:
    """List the permits that have come to this node, oldest first.

    One line each, between tabs: id, standing, period, modes, datasets, tools, who, title.

    **Example:** `tessera node permit list /srv/tessera`
    """
    from tessera.bootstrap.permits import countersigning

    with told():
        desk = countersigning(home)
        seen = desk.listed()
        if as_json:
            print_json([_seen_json(one, desk.book.node_id) for one in seen])
            return
        for one in seen:
            typer.echo("\t".join(_row(one, desk.book.node_id)))
        n_waiting = sum(one.standing == "waiting" for one in seen)
        typer.echo(f"{len(seen)} permits, {n_waiting} waiting for an answer", err=True)


@permit_app.command("show")
def show_command(
    home: Home,
    permit_id: Id,
    tool: Annotated[
        str, typer.Option(help="Print the files of this tool of the permit, by its digest.")
    ] = "",
    unpack: Annotated[
        Path | None, typer.Option(help="With --tool: write the files into this new folder.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show everything that a permit allows, and how it compares with what is here.

    **Example:** `tessera node permit show /srv/tessera 5b0c1f2e --tool sha256:…`
    """
    from tessera.bootstrap.permits import countersigning

    with told():
        desk = countersigning(home)
        seen = desk.look_at(_whole_id(permit_id, desk.listed()))
        if tool or unpack is not None:
            _show_tool(home, seen, tool, unpack)
            return
        looked = desk.versions(seen.permit) if seen.permit else ()
        if as_json:
            versions = [
                {
                    "dataset_id": one.named.dataset_id,
                    "version": one.named.version,
                    "problem": one.problem,
                    "n_opted_out": one.n_opted_out,
                }
                for one in looked
            ]
            print_json(_seen_json(seen, desk.book.node_id) | {"here": versions})
            return
        for line in _all_words(seen, looked, desk.book.node_id):
            typer.echo(line)


@permit_app.command("countersign")
def countersign_command(home: Home, permit_id: Id, by: By = "", yes: Yes = False) -> None:
    """Agree to a permit: from then on this node does what it allows, to its end.

    Shows what is agreed to and asks. The dataset versions must be here exactly as the permit
    names them, and its tools must have come. The running node tells the hub.

    **Example:** `tessera node permit countersign /srv/tessera 5b0c1f2e --by "Data office, AB"`
    """
    from tessera.bootstrap.permits import account, countersigning

    with told():
        desk = countersigning(home)
        seen = desk.look_at(_whole_id(permit_id, desk.listed()))
        looked = desk.versions(seen.permit) if seen.permit else ()
        for line in _all_words(seen, looked, desk.book.node_id):
            typer.echo(line)
        if not yes:
            typer.confirm("Agree to this?", abort=True)
        desk.countersign(seen.kept.permit_id, by or account())
        typer.echo(f"countersigned: {seen.kept.permit_id}")


@permit_app.command("decline")
def decline_command(
    home: Home,
    permit_id: Id,
    reason: Annotated[str, typer.Option(help="In words; the hub shows it to the applicant.")],
    by: By = "",
) -> None:
    """Say no to a permit, for good. The hub must issue a new one if you change your mind.

    **Example:** `tessera node permit decline /srv/tessera 5b0c1f2e --reason "wrong version"`
    """
    from tessera.bootstrap.permits import account, countersigning

    with told():
        desk = countersigning(home)
        found = _whole_id(permit_id, desk.listed())
        desk.decline(found, reason, by or account())
        typer.echo(f"declined: {found}")


@permit_app.command("revoke")
def revoke_command(
    home: Home,
    permit_id: Id,
    reason: Annotated[str, typer.Option(help="In words; the hub shows it to the applicant.")],
    by: By = "",
) -> None:
    """End a permit at this node, for good. What runs under it is stopped within seconds.

    **Example:** `tessera node permit revoke /srv/tessera 5b0c1f2e --reason "contract ended"`
    """
    from tessera.bootstrap.permits import account, countersigning

    with told():
        desk = countersigning(home)
        found = _whole_id(permit_id, desk.listed())
        is_new = desk.book.revoke_here(found, reason, by or account())
        typer.echo(f"{'revoked' if is_new else 'was revoked before'}: {found}")


@permit_app.command("clock")
def clock_command(
    home: Home,
    accept: Annotated[
        bool, typer.Option("--accept", help="The clock is right now; it was ahead before.")
    ] = False,
) -> None:
    """Say whether the machine's clock is behind what it showed before; accept it where it is right.

    A clock that was set back could bring a permit to life that has ended: until it is right
    again, or accepted here, nothing is allowed. Accepting is written into the audit log.

    **Example:** `tessera node permit clock /srv/tessera --accept`
    """
    from tessera.bootstrap.permits import permit_book

    with told():
        book = permit_book(home)
        now = book.accept_clock() if accept else book.check_clock()
        typer.echo(f"the clock is {'accepted' if accept else 'right'}: {now:%Y-%m-%d %H:%M} UTC")


def _whole_id(typed: str, seen: "tuple[PermitSeen, ...]") -> str:
    from tessera.domain.errors import InvalidInput, NotFound

    found = [one.kept.permit_id for one in seen if one.kept.permit_id.startswith(typed.lower())]
    if not found:
        raise NotFound(f"no permit {typed!r} has come to this node; see tessera node permit list")
    if len(found) > 1:
        raise InvalidInput(f"{typed!r} begins {len(found)} permits; type more of the id")
    return found[0]


def _show_tool(home: Path, seen: "PermitSeen", digest: str, unpack: Path | None) -> None:
    from tessera.bootstrap.permits import permit_book, unpack_tool
    from tessera.domain.errors import NotFound

    if seen.permit is None or seen.permit.tool(digest) is None:
        tools = seen.permit.tools if seen.permit else ()
        have = ", ".join(one.digest for one in tools) or "none"
        raise NotFound(f"no tool {digest!r} in this permit; it has: {have}")
    bundle = permit_book(home).tool(digest)
    if unpack is not None:
        unpack_tool(bundle, unpack)
        typer.echo(f"{len(bundle.files)} files in {unpack}")
        return
    for name, content in sorted(bundle.files.items()):
        typer.echo(f"--- {name} ({len(content)} bytes)")
        typer.echo(_plain(content.decode("utf-8", "replace")))


def _row(one: "PermitSeen", node_id: str) -> list[str]:
    permit = one.permit
    if permit is None:
        return [one.kept.permit_id, one.standing, "", "", "", "", "", ""]
    return [
        permit.permit_id,
        one.standing,
        f"{permit.starts:%Y-%m-%d} to {permit.ends:%Y-%m-%d}",
        ",".join(sorted(permit.modes)),
        ",".join(f"{d.dataset_id} v{d.version}" for d in permit.of_node(node_id)),
        ",".join(f"{t.name} {t.version}" for t in permit.tools) or "-",
        ", ".join(f"{p.name} ({p.organisation})" for p in permit.persons),
        permit.title,
    ]


def _all_words(one: "PermitSeen", looked: "tuple[VersionLooked, ...]", node_id: str) -> list[str]:
    """Say everything that is agreed to, in plain words, a line for each fact."""
    from tessera.wire.keys import PublicKey

    kept, permit = one.kept, one.permit
    lines = [f"permit       {kept.permit_id}", f"standing     {one.standing}"]
    lines.append(f"came         {kept.received_at:%Y-%m-%d %H:%M} UTC")
    if kept.decision is not None:
        said = f"{kept.decision.verdict} by {kept.decision.by}, {kept.decision.at:%Y-%m-%d %H:%M}"
        lines.append(f"answer       {said} UTC{_because(kept.decision.reason)}")
    if kept.revoked is not None:
        who = kept.revoked.by or f"the {kept.revoked.source}"
        said = f"by {who}, {kept.revoked.at:%Y-%m-%d %H:%M} UTC{_because(kept.revoked.reason)}"
        lines.append(f"revoked      {said}")
    if permit is None:
        return [*lines, "What is kept is not what this node's hub has signed. It allows nothing."]
    lines += [
        f"project      {permit.title}",
        f"purpose      {_plain(permit.purpose)}",
        f"data use     {', '.join(permit.duo) or 'no term'}",
        f"from, until  {permit.starts:%Y-%m-%d %H:%M} to {permit.ends:%Y-%m-%d %H:%M} UTC",
        f"application  {permit.application_id}",
    ]
    for person in permit.persons:
        lines.append(f"person       {person.name}, {person.organisation}")
        # The hub has written which keys are whose: compare them with the person.
        lines += [f"  key        {PublicKey(key).fingerprint}" for key in person.keys]
    words = {
        "download": "files may be downloaded by these persons: they leave this node",
        "run": "the tools below may run here; what comes out waits for a person here",
        "learn": "the tools below may train here with other nodes; updates leave by themselves",
    }
    lines += [f"may          {words[mode]}" for mode in sorted(permit.modes)]
    for version in looked:
        name = f"{version.named.dataset_id} version {version.named.version}"
        lines.append(f"dataset      {name}{f': {version.problem}' if version.problem else ''}")
        if version.n_opted_out:
            lines.append(f"             {version.n_opted_out} opted out since; they are left out")
    others = [name for name in permit.nodes() if name != node_id]
    if others:
        lines.append(f"other nodes  {', '.join(others)}")
    for tool in permit.tools:
        gone = " (has not come)" if tool.digest in one.missing_tools else ""
        lines.append(f"tool         {tool.name} {tool.version}, {tool.digest}{gone}")
    lines.append(f"may release  {', '.join(sorted(permit.outputs)) or 'nothing'}")
    lines += [f"condition    {text}" for text in permit.conditions]
    if permit.conditions:
        lines.append("             (conditions are between people; no machine checks them)")
    return lines


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _plain(text: str) -> str:
    """Return text of another side so that it cannot steer the terminal."""
    from tessera.wire.text import one_line

    return "\n".join(one_line(line.replace("\t", "    ")) for line in text.splitlines())


def _seen_json(one: "PermitSeen", node_id: str) -> dict[str, object]:
    from tessera.wire import fields
    from tessera.wire.permit import permit_payload

    kept = one.kept
    return {
        "permit_id": kept.permit_id,
        "standing": one.standing,
        "sha256": one.sha256,
        "received_at": kept.received_at,
        "node_id": node_id,
        "decision": kept.decision
        and {
            "verdict": kept.decision.verdict,
            "by": kept.decision.by,
            "at": kept.decision.at,
            "reason": kept.decision.reason,
        },
        "revoked": kept.revoked
        and {
            "source": kept.revoked.source,
            "by": kept.revoked.by,
            "at": kept.revoked.at,
            "reason": kept.revoked.reason,
        },
        "missing_tools": list(one.missing_tools),
        "permit": one.permit and dict(fields.decode(permit_payload(one.permit))),
    }
