"""Use case: which released models this node may use on a study."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from tessera.domain.access.npz import members_of
from tessera.domain.access.tool import Entry, OutputKind, ToolBundle
from tessera.domain.audit import events
from tessera.domain.audit.entry import Event
from tessera.domain.case.errors import InvalidModel
from tessera.domain.case.model import ModelCard, ReleasedModel, model_id
from tessera.domain.errors import Conflict, InvalidInput, NotFound
from tessera.ports.model_shelf import ModelShelf
from tessera.ports.run_records import AirlockShelf, Decided, RunRecords

BY_HAND = "by hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """Added by a person, or taken over from a training whose model was released here."""

    shelf: ModelShelf
    records: RunRecords
    airlock: AirlockShelf
    tool: Callable[[str], ToolBundle]
    """Finds a tool that came with a permit, by its digest. Raises NotFound."""
    write_down: Callable[[Event], None]

    def add(
        self, content: bytes, tool: ToolBundle, card: ModelCard, *, origin: str = BY_HAND
    ) -> ReleasedModel:
        """Put a model on the shelf. Raises InvalidModel."""
        if Entry.CASE not in tool.entries:
            raise InvalidModel(f"tool {tool.name} has no entry `case`: it cannot judge a study")
        try:
            members_of(content)
        except InvalidInput as err:
            raise InvalidModel(f"the model is no archive of plain arrays (.npz): {err}") from err
        model = ReleasedModel(
            sha256=sha256(content).hexdigest(),
            n_bytes=len(content),
            tool=tool.digest,
            tool_name=tool.name,
            tool_version=tool.version,
            card=card,
            origin=origin,
        )
        if model not in self.shelf.all():
            self.write_down(events.model_changed(model.sha256, model.tool, "added"))
            self.shelf.put(model, content, tool)
        return model

    def all(self) -> tuple[ReleasedModel, ...]:
        """Return every model, with those that trainings here have released meanwhile."""
        self._take_released()
        return tuple(self.shelf.all())

    def find(self, text: str) -> ReleasedModel:
        """Return a model by its id, or the beginning of it. Raises NotFound, Conflict."""
        wanted = model_id(text)
        found = [model for model in self.all() if model.sha256.startswith(wanted)]
        if not found:
            raise NotFound(f"no model {wanted} at this node; `tessera node model list` shows all")
        if len(found) > 1:
            raise Conflict(f"{len(found)} models begin with {wanted}; give more digits")
        return found[0]

    def remove(self, text: str) -> ReleasedModel:
        """Take a model off; what it has written stays. Raises NotFound, Conflict."""
        model = self.find(text)
        self.write_down(events.model_changed(model.sha256, model.tool, "removed"))
        self.shelf.remove(model.sha256)
        return model

    def _take_released(self) -> None:
        known = {model.sha256 for model in self.shelf.all()}
        for run in self.records.all():
            for output in self.records.outputs(run.use_id):
                is_model = output.kind is OutputKind.MODEL and output.decided is Decided.RELEASED
                if not is_model or output.sha256 in known or self.shelf.was_removed(output.sha256):
                    continue
                try:
                    content = self.airlock.read(run.use_id, output.name)
                    tool = self.tool(run.tool)
                    if sha256(content).hexdigest() == output.sha256:
                        origin = f"{run.action} {run.use_id}"
                        self.add(content, tool, ModelCard(), origin=origin)
                        known.add(output.sha256)
                except (NotFound, InvalidInput):
                    continue  # the file or its tool is gone, or it cannot judge a study
