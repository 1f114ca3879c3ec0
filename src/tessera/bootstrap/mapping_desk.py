"""Wire the mapping pages: one person at this computer reads, changes, tries and saves a mapping."""

import secrets
import socket
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from starlette.applications import Starlette

from tessera.adapters.system_clock import SystemClock
from tessera.bootstrap.clinical_suggest import (
    Answers,
    suggest_profiles,
    write_answers,
    write_mapping,
)
from tessera.domain.clinical.profile import TableProfile
from tessera.domain.clinical.suggest_attempt import attempt
from tessera.domain.clinical.suggest_file import mapping_text
from tessera.domain.clinical.suggest_reading import group_of
from tessera.domain.clinical.suggest_types import ERROR, NOTHING, Choice, Suggestion
from tessera.domain.clinical.suggest_units import known_units
from tessera.domain.clinical.variable_words import families, variable_label
from tessera.domain.clinical.variables import variable
from tessera.domain.errors import TesseraError
from tessera.domain.terms import terminology as terms
from tessera.http.desk import mapping
from tessera.http.desk.app import create_desk
from tessera.http.desk.mapping import Tried

_WORDS = {
    "en": {NOTHING: "no value", ERROR: "a mistake: name its rows", "true": "yes", "false": "no"},
    "sv": {NOTHING: "inget värde", ERROR: "ett fel: peka ut raderna", "true": "ja", "false": "nej"},
}


class MappingDesk:
    """The tables of one delivery, with the answers so far."""

    def __init__(
        self,
        profiles: Sequence[TableProfile],
        answers: Answers,
        out: Path,
        *,
        name: str,
        site: str,
        issuer: str,
    ) -> None:
        self._profiles = profiles
        self._answers = {table: dict(said) for table, said in answers.items()}
        self._out = out
        self._name, self._site, self._issuer = name, site, issuer
        self._made = suggest_profiles(profiles, self._answers)

    def suggestions(self) -> Sequence[Suggestion]:
        return self._made

    def variables(self, language: str) -> Sequence[tuple[str, Sequence[Choice]]]:
        return [
            (family, [Choice(key=name, label=variable_label(name, language)) for name in names])
            for family, names in families()
        ]

    def label(self, variable: str, language: str) -> str:
        return variable_label(variable, language)

    def meanings(self, variable_name: str, language: str) -> Sequence[Choice]:
        kind = variable(variable_name)
        words = _WORDS[language if language in _WORDS else "en"]
        ends = [Choice(key=key, label=words[key]) for key in (NOTHING, ERROR)]
        if kind.kind == "flag":
            return [Choice(key=key, label=words[key]) for key in ("true", "false")] + ends
        group = group_of(kind)
        if not group:
            return []
        known = [one for one in terms.group(group) if "abstract" not in one.facts]
        return [Choice(key=one.name, label=one.label(language)) for one in known] + ends

    def units(self, variable_name: str) -> Sequence[str]:
        kind = variable(variable_name)
        return known_units(kind) if kind.kind == "number" else ()

    def answer(self, table: int, answers: Mapping[str, str]) -> None:
        name = self._profiles[table].table.name
        changed = {**self._answers, name: {**self._answers.get(name, {}), **answers}}
        self._made = suggest_profiles(self._profiles, changed)
        self._answers = changed

    def save(self) -> str:
        write_mapping(self._out, self._made, name=self._name, site=self._site, issuer=self._issuer)
        write_answers(self._out, self._answers)
        return str(self._out)

    def attempt(self, table: int) -> Tried:
        one = self._made[table]
        text = mapping_text([one], name=self._name, site=self._site, issuer=self._issuer)
        try:
            done = attempt(one.profile.table, text, today=self.now().date())
        except TesseraError as err:
            return Tried(0, 0, {}, (), trouble=str(err))
        return Tried(done.n_rows, done.n_left_out, done.filled, done.problems)

    def now(self) -> datetime:
        return SystemClock().now()


def mapping_desk_of(desk: MappingDesk, key: str, name: str) -> Starlette:
    """Return the application, opened by `key`."""
    return create_desk(
        mapping.routes(desk),
        key=key,
        name=name,
        now=desk.now,
        error_page="desk_mapping_error.html",
        opened_by="tessera clinical suggest --page",
    )


def serve_mapping(
    profiles: Sequence[TableProfile],
    answers: Answers,
    out: Path,
    *,
    name: str,
    site: str,
    issuer: str,
    port: int,
    tell: Callable[[str], None],
    browser: bool,
) -> None:
    """Serve the pages until they are stopped; tell the address, which holds the key."""
    import uvicorn

    desk = MappingDesk(profiles, answers, out, name=name, site=site, issuer=issuer)
    key = secrets.token_urlsafe(24)
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen(128)  # whoever reads the address may connect at once
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/?key={key}"
        tell(address)
        if browser:
            webbrowser.open(address)
        app = mapping_desk_of(desk, key, site or name)
        config = uvicorn.Config(app, log_level="warning", access_log=False)
        uvicorn.Server(config).run(sockets=[listening])
