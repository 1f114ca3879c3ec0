"""What a person does with trainings and models."""

import os
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

from tessera.client.access import WINDOW, WantedRun
from tessera.domain.access.permit import Action, Use
from tessera.domain.errors import Conflict, InvalidInput
from tessera.domain.learning.model_card import ModelCard
from tessera.ports.signing import Signer
from tessera.wire import fields
from tessera.wire.fields import Json
from tessera.wire.learning import MODEL, Learning, LearningPlan
from tessera.wire.models import card_from_json
from tessera.wire.permit import use_payload
from tessera.wire.runs import HeldPermit


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningShown:
    """A training, and the tag with which one waits until it differs."""

    learning: Learning
    tag: str


class LearningCalls:
    """The part of `Client` about trainings; models are for everybody to look at."""

    @abstractmethod
    def _call(
        self,
        method: str,
        address: str,
        *,
        body: Json | None = None,
        parameters: Mapping[str, str] | None = None,
        wait_s: float = 0,
    ) -> Json: ...

    @abstractmethod
    def _content(
        self, address: str, parameters: Mapping[str, str]
    ) -> AbstractContextManager[Iterator[bytes]]: ...

    def learn(
        self,
        held: HeldPermit,
        wanted: Sequence[WantedRun],
        signer: Signer,
        *,
        rounds: int,
        min_nodes: int | None = None,
        round_s: int = 600,
        seed: int = 0,
        arguments: Json | None = None,
        title: str = "",
    ) -> Learning:
        """Sign a training for each node, the same terms for all, and hand it in.

        Without `min_nodes` every node is needed. Raises PermitRefused with its reason.
        """
        if not wanted:
            raise InvalidInput("no node to train at")
        nodes = tuple(one.node_id for one in wanted)
        plan = LearningPlan(
            learn_id=str(uuid4()),
            rounds=rounds,
            min_nodes=len(nodes) if min_nodes is None else min_nodes,
            round_s=round_s,
            nodes=nodes,
            seed=seed,
            tool=arguments or {},
        )
        LearningPlan.from_json(plan.to_json())  # what is wrong is told before anything is signed
        terms, now = fields.encode(plan.to_json()).decode(), datetime.now(UTC)
        uses = [
            Use(
                use_id=str(uuid4()),
                permit_id=held.permit.permit_id,
                permit_sha256=held.sha256,
                node_id=one.node_id,
                action=Action.LEARN,
                datasets=one.datasets,
                tool=one.tool.digest,
                at=now,
                until=min(now + WINDOW, held.permit.ends),
                arguments=terms,
            )
            for one in wanted
        ]
        body = {"tokens": [signer.sign(use_payload(use)) for use in uses], "title": title}
        return Learning.from_json(self._call("POST", "api/v1/learnings", body=body))

    def learnings(self) -> Sequence[Learning]:
        """Return the trainings under the person's permits, last asked for first."""
        body = self._call("GET", "api/v1/learnings")
        return fields.objects(body, "learnings", Learning.from_json)

    def learning(self, learn_id: str, *, wait_s: float = 0, unlike: str = "") -> LearningShown:
        """Return one training; with an earlier `tag` as `unlike`, once it differs.

        It waits up to `wait_s` seconds (0 to 30). Raises NotFound.
        """
        asked = {"wait_s": str(wait_s), "unlike": unlike}
        parameters = {name: value for name, value in asked.items() if value}
        address = f"api/v1/learnings/{quote(learn_id, safe='')}"
        body = self._call("GET", address, parameters=parameters, wait_s=wait_s)
        return LearningShown(learning=Learning.from_json(body), tag=fields.text(body, "tag"))

    def stop_learning(self, learn_id: str) -> Learning:
        """End a training at every node; one that has ended stays as it is."""
        address = f"api/v1/learnings/{quote(learn_id, safe='')}/stop"
        return Learning.from_json(self._call("POST", address, body={}))

    def models(self) -> Sequence[ModelCard]:
        """Return the card of every released model, last released first."""
        return fields.objects(self._call("GET", "api/v1/models"), "models", card_from_json)

    def model(self, model_id: str) -> ModelCard:
        """Return one card. Raises NotFound."""
        return card_from_json(self._call("GET", f"api/v1/models/{quote(model_id, safe='')}"))

    def save_model(self, card: ModelCard, folder: Path) -> Path:
        """Save a model in `folder`, checked against its hash. Raises Conflict, NotFound."""
        folder.mkdir(parents=True, exist_ok=True)
        path, part = folder / MODEL, folder / f"{MODEL}.part"
        digest = sha256()
        address = f"api/v1/models/{quote(card.model_id, safe='')}/{MODEL}"
        with self._content(address, {}) as content, part.open("wb") as out:
            for chunk in content:
                digest.update(chunk)
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        if digest.hexdigest() != card.sha256:
            part.unlink()
            raise Conflict(f"{MODEL}: not the model that the card names; fetch it again")
        part.replace(path)
        return path
