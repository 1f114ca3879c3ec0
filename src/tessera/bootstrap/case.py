"""Wire released models on a study: HOME/models, the sandbox, the instance store."""

import fcntl
from dataclasses import dataclass
from pathlib import Path

from tessera.adapters.access import FolderToolShelf
from tessera.adapters.access_runs import FolderAirlock
from tessera.adapters.files.tool_folder import find_tool
from tessera.adapters.models import FolderModelShelf, FolderResults, LinkedStudies
from tessera.bootstrap.audit import write_down
from tessera.bootstrap.exclusions import exclusions_of
from tessera.bootstrap.node import Node, NodeSettings, open_node
from tessera.bootstrap.runs import records_of, sandbox_of
from tessera.bootstrap.writing import writing_to
from tessera.domain.access.tool import Limits
from tessera.domain.case.errors import InvalidModel
from tessera.domain.case.model import MAX_CARD_BYTES, ModelCard, ReleasedModel
from tessera.domain.errors import InvalidInput, NotFound
from tessera.domain.ids import StudyUid
from tessera.domain.zones import Identified
from tessera.node.case import CaseDesk, CaseOutcome
from tessera.node.ingest import recover
from tessera.node.models import Models
from tessera.ports.sandbox import Sandbox

MAX_MODEL_BYTES = 500_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRequest:
    """One study, and which model; `is_original`: the UID is as in the PACS."""

    study_uid: Identified[str]
    model: str
    is_original: bool = False


def models_of(home: Path) -> Models:
    """Return the models of a node. Raises NotFound when `home` is none."""
    NodeSettings.load(home)
    return Models(
        shelf=FolderModelShelf(home.absolute() / "models"),
        records=records_of(home),
        airlock=FolderAirlock(home / "airlock"),
        tool=FolderToolShelf(home / "access" / "tools").find,
        write_down=lambda event: write_down(home, event),
    )


def add_model(home: Path, path: Path, tool: str, card: Path | None = None) -> ReleasedModel:
    """Put a model file on the node's shelf. Raises NotFound, InvalidModel, InvalidTool."""
    models = models_of(home)
    content = _read(path, MAX_MODEL_BYTES)
    described = ModelCard.parse(_read(card, MAX_CARD_BYTES)) if card else ModelCard()
    with writing_to(home):
        return models.add(content, find_tool(tool), described)


def run_case(
    home: Path, request: CaseRequest, sandbox: Sandbox | None = None
) -> tuple[CaseOutcome, ReleasedModel]:
    """Run a model on a study of the node; see `CaseDesk.run` for what it raises."""
    node = open_node(home)
    model = models_of(home).find(request.model)
    with writing_to(home):
        recover_quietly(node)
        return _desk(node, sandbox).run(_study_uid(node, request), model), model


def picture_of(home: Path, outcome: CaseOutcome) -> bytes:
    """Return a PNG of the slice with the largest marked area."""
    from tessera.adapters.models.picture import picture

    store = open_node(home).store
    return picture(outcome.answer, lambda row: store.path(row.path))


def _desk(node: Node, sandbox: Sandbox | None) -> CaseDesk:
    from tessera.adapters.highdicom import HighdicomWriter

    settings = node.settings
    return CaseDesk(
        index=node.index,
        shelf=FolderModelShelf(node.home / "models"),
        views=LinkedStudies(node.store.path, node.home / "runs" / "cases"),
        sandbox=sandbox or sandbox_of(),
        exclusions=exclusions_of(node.home),
        writer=HighdicomWriter(lambda row: node.store.path(row.path), node.store.place),
        results=FolderResults(node.store, node.index),
        allowed=Limits(
            seconds=settings.run_seconds,
            memory_mb=settings.run_memory_mb,
            processes=settings.run_processes,
            output_mb=settings.run_output_mb,
        ),
        minimum=settings.minimum_count,
        write_down=lambda event: write_down(node.home, event),
    )


def _study_uid(node: Node, request: CaseRequest) -> StudyUid:
    text = request.study_uid.value.strip()
    if not text or len(text) > 64 or not all(part.isdecimal() for part in text.split(".")):
        raise InvalidInput("STUDY_UID: expected a DICOM UID, digits and dots")
    return StudyUid(node.pseudonymiser().uid(text) if request.is_original else text)


def recover_quietly(node: Node) -> None:
    """Finish or drop what a kill has left, unless an ingest runs: it did so when it began."""
    with (node.identified / "ingest.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        recover(node.index, node.store)


def _read(path: Path, most: int) -> bytes:
    try:
        if path.stat().st_size > most:
            raise InvalidModel(f"{path.name} is larger than {most} bytes")
        return path.read_bytes()
    except FileNotFoundError as err:
        raise NotFound(f"{path} does not exist") from err
