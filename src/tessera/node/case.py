"""Use case: a released model on one study, inside the hospital. For research only."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tessera.domain.access.run import least_limits
from tessera.domain.access.tool import Entry, Limits
from tessera.domain.audit import events
from tessera.domain.audit.entry import Event
from tessera.domain.case.errors import CaseNotDone, SubjectOptedOut
from tessera.domain.case.made import is_research_result
from tessera.domain.case.model import ReleasedModel
from tessera.domain.case.result import CaseAnswer, read_answer
from tessera.domain.errors import Conflict, NotFound, TesseraError
from tessera.domain.ids import Pseudonym, StudyUid
from tessera.domain.imaging.instance import InstanceRow
from tessera.node.supervise import Supervised
from tessera.ports.case import ObjectWriter, ResultStore, StudyViews
from tessera.ports.exclusions import Exclusions
from tessera.ports.instance_index import InstanceIndex
from tessera.ports.model_shelf import ModelShelf
from tessera.ports.sandbox import Ended, Sandbox, SandboxRequest, SandboxResult

OPT_OUT: Final = "opt-out"
_LAST_WORDS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOutcome:
    """What came of one study."""

    answer: CaseAnswer
    row: InstanceRow
    """Of the object that was written."""
    path: Path
    is_new: bool
    """False when the same result was stored before."""
    seconds: float
    """Of the tool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseDesk:
    """Everything that one study needs."""

    index: InstanceIndex
    shelf: ModelShelf
    views: StudyViews
    sandbox: Sandbox
    exclusions: Exclusions
    writer: ObjectWriter
    results: ResultStore
    allowed: Limits
    minimum: int
    write_down: Callable[[Event], None]

    def run(self, study_uid: StudyUid, model: ReleasedModel) -> CaseOutcome:
        """Run the model and store what it marked beside the images.

        Raises NotFound, SubjectOptedOut, CaseNotDone, InvalidCaseResult, Conflict, Unavailable.
        Then nothing is stored. No message names the study.
        """
        rows = self._study(study_uid)
        subjects = frozenset(row.subject for row in rows)
        self._require_nobody_opted_out(subjects)
        try:
            result = self._run_tool(rows, subjects, model)
            answer = read_answer(result.outputs, rows)
            made = self.writer.write(answer, model)
            self._require_nobody_opted_out(subjects)
        except TesseraError as err:
            self.write_down(events.case_done(model.sha256, model.tool, err.code))
            raise
        self.write_down(events.case_done(model.sha256, model.tool, "stored"))
        is_new = self.results.put(made)
        uid = made.row.value.instance_uid
        row = self.index.find([uid]).get(uid, made.row.value)
        return CaseOutcome(
            answer=answer,
            row=row,
            path=self.results.path(row),
            is_new=is_new,
            seconds=result.seconds,
        )

    def _study(self, study_uid: StudyUid) -> tuple[InstanceRow, ...]:
        rows = tuple(row for row in self.index.of_study(study_uid) if not is_research_result(row))
        if not rows:
            raise NotFound(
                "this node holds no such study; STUDY_UID is the de-identified StudyInstanceUID, "
                "or with --original the one of the PACS, once the study is taken in"
            )
        if len({row.subject for row in rows}) != 1:
            raise Conflict("the study has images of more than one subject; see `tessera check`")
        return rows

    def _require_nobody_opted_out(self, subjects: frozenset[Pseudonym]) -> None:
        if subjects & self.exclusions.excluded():
            raise SubjectOptedOut("the patient of this study has opted out; nothing is computed")

    def _run_tool(
        self, rows: Sequence[InstanceRow], subjects: frozenset[Pseudonym], model: ReleasedModel
    ) -> SandboxResult:
        tool, folder, inputs = self.shelf.opened(model.sha256)
        with self.views.study(rows) as data:
            request = SandboxRequest(
                program=folder,
                entry=tool.entries[Entry.CASE],
                mounts={"/data": data, "/inputs": inputs},
                environment={"TESSERA_ARGUMENTS": "{}", "TESSERA_MINIMUM": str(self.minimum)},
                limits=least_limits(tool.limits, self.allowed),
            )

            def why_not() -> str:
                return OPT_OUT if subjects & self.exclusions.excluded() else ""

            supervised = Supervised(self.sandbox.start(request), why_not)
            try:
                result = supervised.wait()
            except BaseException:
                supervised.stop("broken off")
                raise
        if supervised.reason == OPT_OUT:
            raise SubjectOptedOut("the patient of this study has opted out; nothing is kept")
        if supervised.reason or result.ended is not Ended.DONE:
            raise CaseNotDone(_why(model, supervised.reason, result))
        return result


def _why(model: ReleasedModel, reason: str, result: SandboxResult) -> str:
    words = " ".join(result.log.split())[-_LAST_WORDS:]
    ended = reason or result.ended.value
    if result.ended is Ended.FAILED and result.exit_code is not None:
        ended = f"exit code {result.exit_code}"
    return f"{model.tool_name} gave no answer ({ended}){': ' + words if words else ''}"
