"""The public register as REST and the client write and read it. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from tessera.domain.access.permit import AccessMode, Action
from tessera.domain.access.register import (
    AtHospital,
    PublicDataset,
    PublicHospital,
    PublicModel,
    PublicResult,
    Refusal,
    Register,
    RegisterEntry,
    RegisterStatistics,
    Standing,
    Step,
    StepKind,
    Users,
)
from tessera.domain.access.tool import OutputKind
from tessera.domain.ids import dataset_id, node_id
from tessera.wire import fields
from tessera.wire.fields import Json
from tessera.wire.refusals import BadMessage
from tessera.wire.text import one_line

W_ = TypeVar("W_", bound=StrEnum)
COLUMNS = (
    "permit_id",
    "title",
    "purpose",
    "status",
    "from",
    "to",
    "organisations",
    "hospitals",
    "datasets",
    "modes",
    "tools",
    "n_refused",
    "n_not_answered",
    "n_runs",
    "n_results",
    "models",
    "sha256",
)
"""Of the register as CSV."""


def register_to_json(register: Register) -> dict[str, object]:
    return {
        "statistics": _statistics_to_json(register.statistics),
        "permits": [entry_to_json(entry) for entry in register.entries],
    }


def register_from_json(body: Json) -> Register:
    """Raises BadMessage."""
    return Register(
        entries=fields.objects(body, "permits", entry_from_json),
        statistics=_statistics_from_json(fields.child(body, "statistics")),
    )


def entry_to_json(entry: RegisterEntry) -> dict[str, object]:
    return {
        "permit_id": entry.permit_id,
        "sha256": entry.sha256,
        "title": entry.title,
        "purpose": entry.purpose,
        "duo": list(entry.duo),
        "users": [{"organisation": u.organisation, "n_persons": u.n_persons} for u in entry.users],
        "hospitals": [_hospital_to_json(one) for one in entry.hospitals],
        "modes": [mode.value for mode in entry.modes],
        "outputs": [kind.value for kind in entry.outputs],
        "tools": list(entry.tools),
        "starts": fields.moment_text(entry.starts),
        "ends": fields.moment_text(entry.ends),
        "status": entry.standing.value,
        "n_refused": entry.n_refused,
        "n_not_answered": entry.n_not_answered,
        "n_runs": entry.n_runs,
        "results": [_result_to_json(one) for one in entry.results],
        "models": [_model_to_json(one) for one in entry.models],
        "story": [_step_to_json(one) for one in entry.story],
    }


def entry_from_json(body: Json) -> RegisterEntry:
    """Raises BadMessage."""
    return RegisterEntry(
        permit_id=_line(body, "permit_id"),
        sha256=_line(body, "sha256"),
        title=_line(body, "title"),
        purpose=_line(body, "purpose"),
        duo=_lines(body, "duo"),
        users=fields.objects(
            body,
            "users",
            lambda one: Users(_line(one, "organisation"), fields.integer(one, "n_persons")),
        ),
        hospitals=fields.objects(body, "hospitals", _hospital_from_json),
        modes=_words(AccessMode, body, "modes"),
        outputs=_words(OutputKind, body, "outputs"),
        tools=_lines(body, "tools"),
        starts=fields.moment(body, "starts"),
        ends=fields.moment(body, "ends"),
        standing=_word(Standing, body, "status"),
        n_refused=fields.integer(body, "n_refused"),
        n_not_answered=fields.integer(body, "n_not_answered"),
        n_runs=fields.integer(body, "n_runs"),
        results=fields.objects(body, "results", _result_from_json),
        models=fields.objects(body, "models", _model_from_json),
        story=fields.objects(body, "story", _step_from_json),
    )


def entry_to_row(entry: RegisterEntry) -> tuple[str, ...]:
    """Return the entry as one row under `COLUMNS`; what there is several of is parted by ` | `.

    A cell that a spreadsheet would take for a formula begins with an apostrophe.
    """
    cells = (
        entry.permit_id,
        entry.title,
        entry.purpose,
        entry.standing.value,
        f"{entry.starts:%Y-%m-%d}",
        f"{entry.ends:%Y-%m-%d}",
        " | ".join(f"{one.organisation} ({one.n_persons})" for one in entry.users),
        " | ".join(f"{one.name}: {one.state}" for one in entry.hospitals),
        " | ".join(
            f"{one.node_id}/{d.dataset_id} v{d.version}"
            for one in entry.hospitals
            for d in one.datasets
        ),
        " | ".join(entry.modes),
        " | ".join(entry.tools),
        str(entry.n_refused),
        str(entry.n_not_answered),
        str(entry.n_runs),
        str(len(entry.results)),
        " | ".join(one.title for one in entry.models),
        entry.sha256,
    )
    return tuple(f"'{cell}" if cell.startswith(("=", "+", "-", "@")) else cell for cell in cells)


def _hospital_to_json(one: PublicHospital) -> dict[str, object]:
    return {
        "node_id": one.node_id,
        "name": one.name,
        "state": one.state.value,
        "at": fields.moment_text(one.at),
        "agreed_at": fields.moment_text_or_none(one.agreed_at),
        "datasets": [
            {
                "dataset_id": d.dataset_id,
                "version": d.version,
                "title": dict(d.title),
                "is_catalogued": d.is_catalogued,
            }
            for d in one.datasets
        ],
    }


def _hospital_from_json(body: Json) -> PublicHospital:
    return PublicHospital(
        node_id=node_id(fields.text(body, "node_id")),
        name=_line(body, "name"),
        state=_word(AtHospital, body, "state"),
        at=fields.moment(body, "at"),
        agreed_at=fields.moment_or_none(body, "agreed_at"),
        datasets=fields.objects(
            body,
            "datasets",
            lambda d: PublicDataset(
                dataset_id=dataset_id(fields.text(d, "dataset_id")),
                version=fields.integer(d, "version"),
                title=_titles(fields.child(d, "title")),
                is_catalogued=fields.flag(d, "is_catalogued"),
            ),
        ),
    )


def _result_to_json(one: PublicResult) -> dict[str, object]:
    return {
        "node_id": one.node_id,
        "action": one.action.value,
        "tool": one.tool,
        "released_at": fields.moment_text(one.released_at),
        "files": {kind.value: n for kind, n in one.files.items()},
    }


def _result_from_json(body: Json) -> PublicResult:
    files = fields.child(body, "files")
    return PublicResult(
        node_id=node_id(fields.text(body, "node_id")),
        action=_word(Action, body, "action"),
        tool=_line(body, "tool"),
        released_at=fields.moment(body, "released_at"),
        files={_known(OutputKind, kind, "files"): fields.integer(files, kind) for kind in files},
    )


def _model_to_json(one: PublicModel) -> dict[str, object]:
    return {
        "permit_id": one.permit_id,
        "model_id": one.model_id,
        "title": one.title,
        "released_at": fields.moment_text(one.released_at),
        "node_ids": list(one.node_ids),
        "n_tests": one.n_tests,
        "page": one.page,
    }


def _model_from_json(body: Json) -> PublicModel:
    return PublicModel(
        permit_id=_line(body, "permit_id"),
        model_id=_line(body, "model_id"),
        title=_line(body, "title"),
        released_at=fields.moment(body, "released_at"),
        node_ids=tuple(map(node_id, fields.texts(body, "node_ids"))),
        n_tests=fields.integer(body, "n_tests"),
        page=_line(body, "page"),
    )


def _step_to_json(one: Step) -> dict[str, object]:
    return {
        "kind": one.kind.value,
        "at": fields.moment_text(one.at),
        "node_id": one.node_id or "",
        "what": one.what,
    }


def _step_from_json(body: Json) -> Step:
    name = fields.text(body, "node_id")
    return Step(
        kind=_word(StepKind, body, "kind"),
        at=fields.moment(body, "at"),
        node_id=node_id(name) if name else None,
        what=_line(body, "what"),
    )


def _statistics_to_json(one: RegisterStatistics) -> dict[str, object]:
    return {
        "n_permits": one.n_permits,
        "n_in_force": one.n_in_force,
        "n_results": one.n_results,
        "n_models": one.n_models,
        "n_open": one.n_open,
        "n_decided": one.n_decided,
        "median_days": one.median_days,
        "refusals": {kind.value: n for kind, n in one.refusals.items()},
    }


def _statistics_from_json(body: Json) -> RegisterStatistics:
    refusals, days = fields.child(body, "refusals"), body.get("median_days")
    if days is not None and (isinstance(days, bool) or not isinstance(days, int | float)):
        raise BadMessage("median_days", "a number or null")
    return RegisterStatistics(
        n_permits=fields.integer(body, "n_permits"),
        n_in_force=fields.integer(body, "n_in_force"),
        n_results=fields.integer(body, "n_results"),
        n_models=fields.integer(body, "n_models"),
        n_open=fields.integer(body, "n_open"),
        n_decided=fields.integer(body, "n_decided"),
        median_days=None if days is None else float(days),
        refusals={kind: fields.integer(refusals, kind.value) for kind in Refusal},
    )


def _titles(body: Json) -> Mapping[str, str]:
    return {one_line(language, 20): _line(body, language) for language in body}


def _line(body: Json, key: str) -> str:
    return one_line(fields.text(body, key), 4000)


def _lines(body: Json, key: str) -> tuple[str, ...]:
    return tuple(one_line(text, 400) for text in fields.texts(body, key))


def _word(kind: type[W_], body: Json, key: str) -> W_:
    return _known(kind, fields.text(body, key), key)


def _words(kind: type[W_], body: Json, key: str) -> tuple[W_, ...]:
    return tuple(_known(kind, text, key) for text in fields.texts(body, key))


def _known(kind: type[W_], text: str, key: str) -> W_:
    try:
        return kind(text)
    except ValueError as err:
        raise BadMessage(key, f"one of {', '.join(kind)}") from err
