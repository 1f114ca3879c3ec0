"""What a person does with a permit: tools, runs and their released files."""

import os
from abc import abstractmethod
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Final
from urllib.parse import quote
from uuid import uuid4

from tessera.domain.access.permit import Action, PermittedTool, Use
from tessera.domain.access.tool import ToolBundle
from tessera.domain.errors import Conflict, InvalidInput, NotFound
from tessera.domain.ids import DatasetId, NodeId
from tessera.ports.signing import Signer
from tessera.wire import fields
from tessera.wire.fields import Json
from tessera.wire.learning import MODEL
from tessera.wire.permit import use_payload
from tessera.wire.runs import HeldPermit, ListedTool, Run, RunFile

WINDOW: Final = timedelta(days=2)
"""How long a use may wait for its node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunList:
    """Runs, and the tag with which one waits until they differ."""

    runs: tuple[Run, ...]
    tag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedRun:
    """One use to be signed: a tool over dataset versions of one node."""

    node_id: NodeId
    datasets: tuple[tuple[DatasetId, int], ...]
    tool: PermittedTool


class AccessCalls:
    """The part of `Client` that needs a token."""

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

    def permits(self) -> Sequence[HeldPermit]:
        """Return the permits that name the person, last issued first."""
        return fields.objects(self._call("GET", "api/v1/permits"), "permits", HeldPermit.from_json)

    def permit(self, permit_id: str) -> HeldPermit:
        """Return one permit. Raises NotFound."""
        return HeldPermit.from_json(self._call("GET", f"api/v1/permits/{_part(permit_id)}"))

    def tools(self) -> Sequence[ListedTool]:
        """Return the tools at the hub, last added first."""
        return fields.objects(self._call("GET", "api/v1/tools"), "tools", ListedTool.from_json)

    def tool(self, digest: str) -> ToolBundle:
        """Return a tool with its files, checked against its digest. Raises NotFound, Conflict."""
        body = self._call("GET", f"api/v1/tools/{_part(digest)}")
        bundle = ToolBundle.from_json(fields.child(body, "files"))
        if bundle.digest != digest:
            raise Conflict("the hub gave another tool than the one asked for")
        return bundle

    def add_tool(self, bundle: ToolBundle) -> ListedTool:
        """Bring a tool to the hub; the same files again are the same tool."""
        body = {"files": bundle.to_json()}
        return ListedTool.from_json(self._call("POST", "api/v1/tools", body=body))

    def run(
        self,
        held: HeldPermit,
        wanted: WantedRun,
        signer: Signer,
        *,
        arguments: Json | None = None,
        inputs: Mapping[str, bytes] | None = None,
        action: Action = Action.RUN,
    ) -> Run:
        """Sign one use for one node and hand it in. Raises PermitRefused with its reason."""
        now, files = datetime.now(UTC), inputs or {}
        use = Use(
            use_id=str(uuid4()),
            permit_id=held.permit.permit_id,
            permit_sha256=held.sha256,
            node_id=wanted.node_id,
            action=action,
            datasets=wanted.datasets,
            tool=wanted.tool.digest,
            at=now,
            until=min(now + WINDOW, held.permit.ends),
            arguments=fields.encode(arguments or {}).decode(),
            inputs=tuple((name, sha256(content).hexdigest()) for name, content in files.items()),
        )
        carried = {name: b64encode(content).decode() for name, content in files.items()}
        body = {"token": signer.sign(use_payload(use)), "inputs": carried}
        return Run.from_json(self._call("POST", "api/v1/uses", body=body))

    def runs(self, permit_id: str = "", *, wait_s: float = 0, unlike: str = "") -> RunList:
        """Return the person's runs, or those under one permit, last asked for first.

        With the `tag` of an earlier answer as `unlike` it waits up to `wait_s` seconds (0 to 30)
        until something is different.
        """
        asked = {"permit": permit_id, "wait_s": str(wait_s), "unlike": unlike}
        parameters = {name: value for name, value in asked.items() if value}
        body = self._call("GET", "api/v1/runs", parameters=parameters, wait_s=wait_s)
        return RunList(
            runs=fields.objects(body, "runs", Run.from_json), tag=fields.text(body, "tag")
        )

    def run_of(self, use_id: str) -> Run:
        """Return one run. Raises NotFound."""
        return Run.from_json(self._call("GET", f"api/v1/runs/{_part(use_id)}"))

    def stop(self, use_id: str) -> Run:
        """Ask the node to stop a run; one that has ended stays as it is."""
        return Run.from_json(self._call("POST", f"api/v1/runs/{_part(use_id)}/stop", body={}))

    def results(self, run: Run, folder: Path) -> Sequence[Path]:
        """Save the released files of a run in `folder`, each checked against its hash.

        What is there and right is not fetched again, and a broken-off file goes on where it
        ended. Raises Conflict when the content is not what the node announced.
        """
        folder.mkdir(parents=True, exist_ok=True)
        whole = [file for file in run.files if file.is_whole]
        if run.action is Action.LEARN:  # the model is one for all nodes: `save_model`
            whole = [file for file in whole if file.name != MODEL]
        return [self._save(run, file, folder / file.name) for file in whole]

    def _save(self, run: Run, file: RunFile, path: Path) -> Path:
        if path.is_file() and _sha256(path) == file.sha256:
            return path
        part = path.with_name(f"{path.name}.part")
        start = part.stat().st_size if part.is_file() else 0
        if start >= file.n_bytes:
            start = 0
        address = f"api/v1/runs/{_part(run.use_id)}/files/{_part(file.name)}"
        with (
            self._content(address, {"offset": str(start)}) as content,
            part.open("ab" if start else "wb") as out,
        ):
            for chunk in content:
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        if _sha256(part) != file.sha256:
            part.unlink()
            raise Conflict(f"{file.name}: not the content that {run.node_id} released; fetch again")
        part.replace(path)
        return path


def permitted_tool(held: HeldPermit, text: str) -> PermittedTool:
    """Return the tool of a permit that is meant by a name or a digest. Raises NotFound."""
    fitting = [tool for tool in held.permit.tools if text in (tool.digest, tool.name)]
    if len(fitting) == 1:
        return fitting[0]
    known = ", ".join(f"{tool.name} {tool.version} ({tool.digest})" for tool in held.permit.tools)
    if fitting:
        raise InvalidInput(f"{text} may be several tools; name one by its digest: {known}")
    raise NotFound(f"the permit has no tool {text!r}; it has {known or 'none'}")


def wanted_runs(
    held: HeldPermit,
    tool: PermittedTool,
    *,
    nodes: Sequence[str] = (),
    datasets: Sequence[str] = (),
) -> Sequence[WantedRun]:
    """Return one run for each node of the permit, or for those named. Raises NotFound."""
    known = held.permit.nodes()
    if strange := [name for name in nodes if name not in known]:
        raise NotFound(f"the permit has no node {strange[0]!r}; it has {', '.join(known)}")
    names = {one.dataset_id for one in held.permit.datasets}
    if missing := [name for name in datasets if name not in names]:
        raise NotFound(
            f"the permit has no dataset {missing[0]!r}; it has {', '.join(sorted(names))}"
        )
    runs = [
        WantedRun(
            node_id=node_id,
            datasets=tuple(
                (one.dataset_id, one.version)
                for one in held.permit.of_node(node_id)
                if not datasets or one.dataset_id in datasets
            ),
            tool=tool,
        )
        for node_id in known
        if not nodes or node_id in nodes
    ]
    return [run for run in runs if run.datasets]


def _part(text: str) -> str:
    return quote(text, safe="")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
