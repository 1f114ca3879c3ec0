"""Write a proposal as a mapping file, and its questions as a file to answer. Pure.

The mapping is what `parse_mapping` reads; the evidence stands beside each entry as comments. Of a
column that may identify people no value is written, and of values without a meaning only those
that are short and frequent.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from tessera.domain.clinical.mapping_file import ROW_NUMBER, allowed_values
from tessera.domain.clinical.suggest_types import Proposal, Question, Suggestion
from tessera.domain.clinical.suggest_units import factor_to
from tessera.domain.clinical.variables import variable
from tessera.domain.errors import InvalidInput

_SHOWN_CHARS: Final = 30


def mapping_text(
    suggestions: Sequence[Suggestion], *, name: str, site: str = "", issuer: str = ""
) -> str:
    """Return the mapping file of the tables of one delivery."""
    first = suggestions[0]
    lines = [
        "# Proposed by `tessera clinical suggest` from "
        + _listed(one.profile.table.name for one in suggestions),
        "# Read it, correct it, give it a new version; then try it:",
        "# tessera clinical apply HOME TABLE --mapping THIS --dry-run",
        "",
        "[mapping]",
        f"name = {quoted(name)}",
        'version = "0.1.0"',
    ]
    if first.profile.language:
        lines.append(f"language = {quoted(first.profile.language)}")
    if site:
        lines.append(f"description = {quoted(f'Clinical table of {site}')}")
    if len(suggestions) == 1:
        if first.rows:
            lines.append(f"rows = {quoted(first.rows)}")
        lines += _table(first, "", issuer)
    else:
        for one in suggestions:
            table = one.profile.table
            lines += ["", "[[tables]]", f"file = {quoted(table.file)}"]
            if one.rows:
                lines.append(f"rows = {quoted(one.rows)}")
            lines += _table(one, "tables.", issuer)
    return "\n".join(lines) + "\n"


def _table(one: Suggestion, prefix: str, issuer: str) -> list[str]:
    lines = _source(one, prefix, issuer)
    if not one.proposals:
        lines += ["", f"[{prefix}columns]"]
    by_variable: dict[str, list[Proposal]] = {}
    for proposal in one.proposals:
        by_variable.setdefault(proposal.variable, []).append(proposal)
    for name, proposals in by_variable.items():
        is_list = len(proposals) > 1
        for proposal in proposals:
            lines += ["", *_comments(one, proposal)]
            head = f"{prefix}columns.{_key(name)}"
            lines.append(f"[[{head}]]" if is_list else f"[{head}]")
            lines += _reading(one, proposal)
            if proposal.values:
                lines += _values(f"{head}.values", proposal)
    if one.questions:
        lines += ["", "# Not mapped, because only you can say:"]
        lines += [f"#   {_plain(str(question))}" for question in one.questions]
    if one.left:
        lines += ["", "# Columns that are not read:"]
        lines += [f"#   {_plain(left.column)}: {_plain(str(left))}" for left in one.left]
    return lines


def _source(one: Suggestion, prefix: str, issuer: str) -> list[str]:
    form = one.profile.table.form
    lines = ["", f"[{prefix}source]"]
    if form.format != "csv":
        lines.append(f"format = {quoted(form.format)}")
    if form.delimiter:
        lines.append(f"delimiter = {quoted(form.delimiter)}")
    if form.encoding:
        encoding = "utf-8" if form.encoding == "utf-8-sig" else form.encoding
        lines.append(f"encoding = {quoted(encoding)}")
    if form.sheet:
        lines.append(f"sheet = {quoted(form.sheet)}")
    if form.header_row > 1 and form.format in ("csv", "xlsx"):
        lines.append(f"header_row = {form.header_row}")
    lines.append(f"decimal = {quoted(one.profile.decimal)}{_decimal_note(one)}")
    lines.append(f"missing = {_array(one.missing)}")
    lines.append(f"dates = {_array(one.dates)}")
    if one.profile.table.where[0]:
        column, value = one.profile.table.where
        lines.append(f"where = {{ {quoted(column)} = {quoted(value)} }}")
    lines += ["", *(f"# {_plain(str(reason))}" for reason in one.patient_evidence)]
    lines.append(f"[{prefix}source.patient_id]")
    if not one.patient:
        lines.append(
            "# Which column holds the number that the images carry? Without it nothing is read."
        )
    lines.append(f"column = {quoted(one.patient or 'PLEASE NAME IT')}")
    if one.patient == ROW_NUMBER:
        lines.append("# every row is a patient of its own, known by file and row number")
    if issuer:
        lines.append(f"issuer = {quoted(issuer)}")
    else:
        lines.append(
            '# issuer = "…"  what the images carry as IssuerOfPatientID, if they carry one'
        )
    return lines


def _decimal_note(one: Suggestion) -> str:
    comma, point = one.profile.decimals
    if comma and point:
        return f"  # {comma} cells with a comma, {point} with a point"
    return ""


def _comments(one: Suggestion, proposal: Proposal) -> list[str]:
    state = (
        "you said so" if proposal.state == "answered" else f"confidence {proposal.confidence:.2f}"
    )
    reasons = "; ".join(str(reason) for reason in proposal.evidence if reason.code != "answer")
    lines = [f"# {state}{': ' + _plain(reasons) if reasons else ''}"]
    if proposal.unread:
        n_cells = sum(n for _, n in proposal.unread)
        texts = [text for text, n in proposal.unread if len(text) <= _SHOWN_CHARS and n >= 3]
        column = one.profile.column(proposal.column)
        shown = (
            f": {', '.join(_plain(text) for text in texts[:8])}"
            if texts and not column.identifying
            else ""
        )
        lines.append(
            f"# {len(proposal.unread)} of its values ({n_cells} cells) have no meaning yet{shown};"
            " apply names their rows"
        )
    return lines


def _reading(one: Suggestion, proposal: Proposal) -> list[str]:
    lines = [f"column = {quoted(proposal.column)}"]
    if proposal.if_filled:
        lines.append(f"if_filled = {quoted(proposal.if_filled)}")
    if proposal.unit_column:
        lines.append(f"unit_column = {quoted(proposal.unit_column)}")
    if proposal.unit:
        lines.append(f"unit = {quoted(proposal.unit)}")
    if (
        proposal.kind == "date"
        and set(proposal.dates) - {"YYYY-MM-DD"}
        and (proposal.dates != one.dates[: len(proposal.dates)])
    ):
        lines.append(f"dates = {_array(proposal.dates)}")
    return lines


def _values(head: str, proposal: Proposal) -> list[str]:
    is_flag = proposal.kind == "flag"
    lines = ["", f"[{head}]"]
    for rule in sorted(proposal.values, key=lambda rule: (rule.target, -rule.n, rule.value)):
        target = rule.target if is_flag and rule.target else quoted(rule.target)
        note = "" if rule.sure >= 0.97 else f"  # {rule.why}"
        lines.append(f"{quoted(rule.value)} = {target}{note}")
    return lines


def questions_text(suggestions: Iterable[Suggestion], *, language: str = "en") -> str:
    """Return the questions as a TOML file whose `answer` lines are to be filled in."""
    lines = [
        "# Answer by one of the choices, and give the file back:",
        "# tessera clinical suggest TABLE -o mapping.toml --answers THIS",
        "# What has no answer stays unmapped.",
    ]
    for one in suggestions:
        for question in one.questions:
            lines += ["", "[[question]]", f"id = {quoted(question.id)}"]
            lines.append(f"table = {quoted(one.profile.table.name)}")
            lines.append(f"text = {quoted(str(question))}")
            lines.append("choices = [")
            lines += [
                f"  {quoted(choice.key)},{_label(choice.key, choice.label)}"
                for choice in question.choices
            ]
            lines += ["]", f"# default: {_plain(question.default)}", 'answer = ""']
    return "\n".join(lines) + "\n"


def _label(key: str, label: str) -> str:
    return f"  # {_plain(label)}" if label and label != key else ""


def answers_text(answers: Mapping[str, Mapping[str, str]]) -> str:
    """Return answers as a file: table → question's id → choice."""
    lines = []
    for table, said in answers.items():
        for key, answer in said.items():
            lines += ["[[question]]", f"id = {quoted(key)}", f"table = {quoted(table)}"]
            lines += [f"answer = {quoted(answer)}", ""]
    return "\n".join(lines)


def parse_answers(text: str, name: str = "answers") -> dict[str, dict[str, str]]:
    """Return table → question's id → answer; table "" where none is named.

    Questions without an answer are left out. Raises InvalidInput naming `name`.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as cause:
        raise InvalidInput(f"{name}: not TOML: {cause}") from cause
    found: dict[str, dict[str, str]] = {}
    entries = document.get("question", [])
    if not isinstance(entries, list):
        raise InvalidInput(f"{name}: [[question]] is an array of tables")
    for entry in entries:
        key, answer = entry.get("id"), entry.get("answer", "")
        if not isinstance(key, str) or not isinstance(answer, str):
            raise InvalidInput(f"{name}: each [[question]] has id and answer, both text")
        if answer:
            found.setdefault(str(entry.get("table", "")), {})[key] = answer
    return found


def check_answers(
    questions: Iterable[Question], answers: Mapping[str, str], variables: frozenset[str]
) -> None:
    """Raise InvalidInput when an answer is none of its question's choices.

    What a column means may be any variable, offered or not.
    """
    for question in questions:
        said = answers.get(question.id)
        keys = {choice.key for choice in question.choices}
        if question.kind == "meaning":
            keys |= variables
        if said is not None and said not in keys:
            raise InvalidInput(
                f"{question.id}: {said!r} is none of its choices: {', '.join(sorted(keys)[:40])}"
            )


def check_proposal(one: Suggestion) -> None:
    """Raise InvalidInput when what was answered is no value, or no unit, of its variable."""
    for proposal in one.proposals:
        if one.rows:
            continue
        about = variable(proposal.variable)
        allowed = {"true", "false"} if about.kind == "flag" else allowed_values(about)
        wrong = [rule for rule in proposal.values if rule.target and rule.target not in allowed]
        if about.kind != "number" and wrong:
            raise InvalidInput(
                f"{proposal.column}: {wrong[0].target!r} is no value of {proposal.variable};"
                f" it has: {', '.join(sorted(allowed)[:40])}"
            )
        if proposal.unit and about.unit and factor_to(about, proposal.unit) is None:
            raise InvalidInput(
                f"{proposal.column}: {proposal.unit!r} does not convert to {about.unit!r}"
            )


def quoted(text: str) -> str:
    """Return text as a basic string of TOML."""
    out = []
    for c in text:
        if c in '"\\':
            out.append("\\" + c)
        elif c < " " or c == "\x7f" or "\x80" <= c < "\xa0":
            out.append(f"\\u{ord(c):04X}")
        else:
            out.append(c)
    return '"' + "".join(out) + '"'


def _key(name: str) -> str:
    return name if name.replace("_", "").isalnum() and name.isascii() else quoted(name)


def _array(texts: Iterable[str]) -> str:
    return "[" + ", ".join(quoted(text) for text in texts) + "]"


def _plain(text: str) -> str:
    """Return text that may stand in a comment."""
    return "".join(c if c >= " " and not "\x7f" <= c < "\xa0" else " " for c in text)


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(_plain(text) for text in texts)
