"""Look at every statement of the tiers for one dataset version, and sign what was found.

The images are not read again: what the checks of the version said when it was made is in its
quality report, and the manifest holds its content. Everything else is looked at as it is now.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any

from tessera import __version__
from tessera.adapters.jose.ed25519 import Ed25519Verifier
from tessera.adapters.jose.key_folder import KeyFolder
from tessera.adapters.link.folder import LinkFolder
from tessera.adapters.system_clock import SystemClock
from tessera.bootstrap import legal
from tessera.bootstrap.datasets import addresses_of, clinical_store, dataset_store, version_of
from tessera.bootstrap.node import Node, open_node
from tessera.bootstrap.status import hub_standing
from tessera.domain.catalogue.description import DatasetDescription
from tessera.domain.catalogue.manifest import Manifest
from tessera.domain.clinical.build import CdmTables
from tessera.domain.cohort.exact import NotSupported
from tessera.domain.cohort.syntax import parse
from tessera.domain.errors import InvalidInput, TesseraError
from tessera.domain.ids import DatasetId
from tessera.domain.tiers import tables as of_tables
from tessera.domain.tiers.grades import NodeFacts, label_of
from tessera.domain.tiers.judged import Conformance, Judged, Signed, judged, met, read_signed
from tessera.domain.tiers.legal import approvals
from tessera.domain.tiers.search_keys import SEARCH_KEYS
from tessera.domain.tiers.statements import Verdict
from tessera.node.datasets import released_description
from tessera.ports.view import place_in_view
from tessera.wire.keys import PublicKey

_GB = 1_000_000_000
_FROM_CHECKS = ("T1-02", "T1-03", "T1-05", "T1-06", "T1-07")
_WORDS = {"met": Verdict.MET, "not met": Verdict.NOT_MET, "not looked at": Verdict.NOT_LOOKED}
_READ_BACK = 20
"""Instances of the folder made for a trial that are read and hashed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Version:
    node: Node
    home: Path
    manifest: Manifest
    folder: Path
    tables: CdmTables
    quality: Mapping[str, Any]
    description: DatasetDescription
    """Released: what the catalogue shows."""
    is_being_published: bool


def conformance(
    home: Path,
    identifier: str,
    version: int | None = None,
    *,
    is_being_published: bool = False,
    on_step: Callable[[str], None] = lambda _step: None,
) -> Conformance:
    """Return the report on a version. Raises NotFound, InvalidInput, InvalidSettings."""
    node = open_node(home)
    store = dataset_store(node)
    known, number = version_of(store, identifier, version)
    on_step("reading the tables")
    seen = _Version(
        node=node,
        home=home,
        manifest=store.manifest(known, number),
        folder=store.folder(known, number),
        tables=store.tables(known, number),
        quality=json.loads(store.read(known, number, "quality.json")),
        description=released_description(store, known, number, node.policy).value,
        is_being_published=is_being_published,
    )
    found: list[Judged] = []
    for look in (_tier_1, _tier_2, _tier_3):
        on_step(f"looking at tier {look.__name__[-1]}")
        found += look(seen)
    _, node_id = addresses_of(home, node)
    return Conformance(
        dataset_id=known,
        version=number,
        manifest_sha256=seen.manifest.sha256,
        node=node_id,
        software=f"tessera {__version__}",
        at=SystemClock().now().replace(microsecond=0),
        judged=tuple(sorted(found, key=lambda one: one.id)),
        label=label_of(seen.description, seen.tables, seen.quality, _node_facts(seen)),
    )


def sign(home: Path, report: Conformance) -> str:
    """Return the report signed with the node's key, a compact JWS. Raises Conflict before joining.

    Only verdicts and grades are in it: no number that was not released.
    """
    key_file = LinkFolder(home / "link").key_file
    if not key_file.exists():
        raise InvalidInput("the node has no key yet; join a hub first (tessera node join)")
    return KeyFolder(key_file).sign(report.to_sign())


def signed_for_publishing(home: Path, identifier: str, version: int) -> tuple[int, str]:
    """Return the tier of a version that is being published, and the signed report."""
    report = conformance(home, identifier, version, is_being_published=True)
    return report.tier, sign(home, report)


def verify(token: str, key: str) -> Signed:
    """Return what a signed report says. `key` is the node's public key (`x`, base64url).

    Raises BadSignature, InvalidInput.
    """
    return read_signed(Ed25519Verifier().verify(token.strip(), PublicKey(key)))


def node_key(home: Path) -> str:
    """Return the node's public key, as its hub shows it."""
    return KeyFolder(LinkFolder(home / "link").key_file).public_key.x


def place_of(target: Path) -> tuple[Path, str, int] | None:
    """Return home, dataset and version of a version's folder in a node's home, else None."""
    folder = target.resolve()
    if not (folder / "manifest.json").is_file() or len(folder.parents) < 4:
        return None
    home = folder.parents[3]
    is_there = folder.parents[1] == home / "research" / "datasets"
    if not is_there or not (home / "node.toml").exists():
        return None
    return home, folder.parent.name, int(folder.name.removeprefix("v"))


def _tier_1(seen: _Version) -> list[Judged]:
    return [
        _record(seen),
        *(_checked(id_, seen.quality) for id_ in _FROM_CHECKS),
        met(
            "T1-04",
            when=bool(seen.manifest.deid_profile),
            kind="profile",
            otherwise="no-profile",
            profile=seen.manifest.deid_profile,
            n=len(seen.manifest.instances),
        ),
        of_tables.offsets(seen.tables),
        of_tables.annotations(seen.tables),
        approvals(legal.documents(seen.home), legal.hashes(seen.home)),
    ]


def _record(seen: _Version) -> Judged:
    from tessera.adapters.rdf import dataset_graph
    from tessera.adapters.rdf.dataset import dataset_iri
    from tessera.adapters.rdf.mandatory import MANDATORY, WITHHELD, missing_properties

    base, node_id = addresses_of(seen.home, seen.node)
    graph = dataset_graph(
        seen.description, base_iri=base, node_name=seen.node.settings.name, node_id=node_id
    )
    missing = missing_properties(graph, dataset_iri(base, node_id, seen.manifest.dataset_id))
    if seen.description.n_subjects is None:
        missing = tuple(name for name in missing if name not in WITHHELD)
    return met(
        "T1-01",
        when=not missing,
        kind="properties-there",
        otherwise="property-missing",
        n=len(MANDATORY),
        properties=", ".join(missing),
    )


def _checked(id_: str, quality: Mapping[str, Any]) -> Judged:
    verdict = _WORDS[quality["statements"].get(id_, "not looked at")]
    checks = [one for one in quality["checks"] if id_ in one["source"]]
    if verdict is Verdict.NOT_LOOKED and checks and not any(one["not_looked"] for one in checks):
        return judged(id_, Verdict.NOT_APPLICABLE, "none-of-these")
    kinds = {Verdict.MET: "checks-passed", Verdict.NOT_MET: "checks-failed"}
    return judged(id_, verdict, kinds.get(verdict, "checks-not-run"))


def _tier_2(seen: _Version) -> list[Judged]:
    mappings = ", ".join(" ".join(one) for one in seen.manifest.mappings)
    return [
        _joined(seen.node),
        _keys(seen),
        _ids(seen),
        of_tables.tables_there(seen.tables, mappings),
        _host("T2-05", seen, cores=4, memory_gb=32, times=1),
    ]


def _joined(node: Node) -> Judged:
    told, *_ = hub_standing(node)
    if told is None:
        return judged("T2-01", Verdict.NOT_MET, "not-joined")
    facts = {"hub": told["url"], "node": told["node_id"], "state": told["state"]}
    if told["detail"]:
        return judged("T2-01", Verdict.NOT_LOOKED, "hub-unreachable", **facts)
    return met(
        "T2-01", when=told["state"] == "approved", kind="joined", otherwise="not-approved", **facts
    )


def _keys(seen: _Version) -> Judged:
    from tessera.adapters.duckdb.cohort import DuckDbCohortEngine

    unsupported = [key for key, field in SEARCH_KEYS.items() if not field]
    failed: list[str] = []
    engine = DuckDbCohortEngine(seen.node.research / "datasets")
    try:
        for key, field in SEARCH_KEYS.items():
            if not field:
                continue
            try:
                answer = engine.count(
                    seen.folder,
                    parse(f"{field} is known"),
                    frozenset(),
                    least_subjects=seen.node.policy.minimum,
                )
                if isinstance(answer, NotSupported):
                    unsupported.append(key)
            except TesseraError:
                failed.append(key)
    finally:
        engine.close()
    return met(
        "T2-02",
        when=not failed,
        kind="keys-answered",
        otherwise="keys-failed",
        n=len(SEARCH_KEYS) - len(unsupported) - len(failed),
        unsupported=", ".join(unsupported) or "–",
        keys=", ".join(failed),
    )


def _ids(seen: _Version) -> Judged:
    named = (seen.manifest.dataset_id, seen.manifest.version)
    folder = seen.node.link
    answered = LinkFolder(folder).answered() if folder.exists() else ()
    is_listed = named in {(one.dataset_id, one.version) for one in answered}
    return met(
        "T2-03",
        when=is_listed or seen.is_being_published,
        kind="ids-agree",
        otherwise="ids-differ",
        dataset=named[0],
        version=named[1],
    )


def _host(id_: str, seen: _Version, *, cores: int, memory_gb: int, times: int) -> Judged:
    data = sum(one.n_bytes for one in seen.manifest.instances) / _GB
    found_cores = os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GB
    disk = shutil.disk_usage(seen.home).free / _GB
    is_enough = found_cores >= cores and memory >= memory_gb * 0.95 and disk >= times * data
    return met(
        id_,
        when=is_enough,
        kind="host",
        otherwise="host-small",
        cores=found_cores,
        memory=round(memory),
        disk=round(disk),
        data=f"{data:.1f}",
    )


def _tier_3(seen: _Version) -> list[Judged]:
    return [
        _objects(seen),
        of_tables.valid(seen.tables),
        _view(seen),
        _tools(seen.home),
        _host("T3-05", seen, cores=16, memory_gb=64, times=2),
    ]


def _objects(seen: _Version) -> Judged:
    """UIDs of the tables are those of the files: some are read; and outlines are DICOM SEG."""
    from tessera.adapters.files.instance_reader import read_instance
    from tessera.bootstrap.stores import fetched_from

    fetched = fetched_from(seen.home, seen.node.settings)
    instance = seen.tables["instance"]
    columns = ("path", "instance_uid", "series_uid", "sop_class_uid")
    rows = sorted(zip(*(instance.column(name) for name in columns), strict=True))
    n_other = 0
    for path, *uids in rows[:: max(1, len(rows) // _READ_BACK)]:
        place = str(path).removeprefix("instances/")
        file = fetched(place) if fetched else seen.node.research / "instances" / place
        try:
            found = read_instance(file)
        except (TesseraError, OSError):
            n_other += 1
        else:
            n_other += [found.instance_uid, found.series_uid, found.sop_class_uid] != uids
    if n_other:
        return judged("T3-01", Verdict.NOT_MET, "uids-differ", n=n_other)
    return of_tables.objects(seen.tables)


def _view(seen: _Version) -> Judged:
    """Make the folder that a permit would get, read some of it back, and remove it."""
    from tessera.adapters.access_runs.views import FolderViews
    from tessera.bootstrap.stores import fetched_from

    maker = FolderViews(seen.node.research, fetched_from(seen.home, seen.node.settings))
    wanted = {one.path: one.sha256 for one in seen.manifest.instances}
    step = max(1, len(wanted) // _READ_BACK)
    with tempfile.TemporaryDirectory(dir=seen.home, prefix=".tier-") as scratch:
        try:
            made = maker.make(
                Path(scratch) / "run" / "data",
                DatasetId(seen.manifest.dataset_id),
                seen.manifest.version,
                manifest_sha256=seen.manifest.sha256,
                excluded=frozenset(),
            )
            n_same = 0
            for path in sorted(wanted)[::step]:
                n_same += _sha256(made.folder / place_in_view(path)) == wanted[path]
        except (TesseraError, OSError) as err:
            return judged("T3-03", Verdict.NOT_MET, "view-failed", problem=str(err))
        n_read = len(sorted(wanted)[::step])
    return met(
        "T3-03",
        when=n_same == n_read,
        kind="view-made",
        otherwise="view-failed",
        n=made.n_instances,
        tables=len(seen.manifest.tables),
        checked=n_same,
        problem=f"{n_read - n_same} instances are not what the manifest says",
    )


def _tools(home: Path) -> Judged:
    from tessera.bootstrap.permits import countersigning
    from tessera.bootstrap.runs import sandbox_of

    try:
        sandbox_of().available()
    except TesseraError as err:
        return judged("T3-04", Verdict.NOT_MET, "not-contained", problem=str(err))
    if not (home / "access").exists():
        return judged("T3-04", Verdict.MET, "contained", tools=0)
    seen = countersigning(home).listed()
    n_tools = len({tool.digest for one in seen if one.permit for tool in one.permit.tools})
    changed = {digest for one in seen for digest in one.missing_tools}
    return met(
        "T3-04",
        when=not changed,
        kind="contained",
        otherwise="tool-changed",
        tools=n_tools,
        n=len(changed),
    )


def _node_facts(seen: _Version) -> NodeFacts:
    from tessera.bootstrap.audit import node_audit
    from tessera.bootstrap.permits import countersigning
    from tessera.bootstrap.stores import has_clinical, review_of

    settings, home = seen.node.settings, seen.home
    delivered = []
    if has_clinical(home, settings):
        delivered = [one.delivered_at for one in clinical_store(seen.node).deliveries()]
    permits = countersigning(home).listed() if (home / "access").exists() else ()
    decided = [(one.kept.decision, one.kept.received_at) for one in permits]
    return NodeFacts(
        created=seen.manifest.created.date(),
        newest_delivery=max(delivered).date() if delivered else None,
        days_to_grant=[(answer.at - came).days for answer, came in decided if answer],
        n_reviews=sum(review_of(home, settings).closed().values()),
        n_audited=sum(1 for _ in node_audit(home).entries()),
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()
