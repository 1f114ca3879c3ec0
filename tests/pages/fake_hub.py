"""A hub in memory with three hospitals, for the tests of the pages and for looking at them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from tessera.domain.catalogue.description import Agent, DatasetDescription, Facet
from tessera.domain.catalogue.entry import CatalogueEntry, HubSummary, NodeSummary
from tessera.domain.catalogue.harvested import HarvestedEntry, HarvestSource, ReadDataset
from tessera.domain.catalogue.notice import Notice, Withdrawn
from tessera.domain.catalogue.progress import Progress, Published, progress
from tessera.domain.cohort.disclosure import CountPolicy, disclose_description
from tessera.domain.cohort.explain import explain
from tessera.domain.cohort.result import DatasetResult, Outcome, SearchResult
from tessera.domain.cohort.syntax import parse
from tessera.domain.errors import NotFound
from tessera.domain.ids import DatasetId, NodeId
from tessera.domain.statistics.statistic import Statistic
from tessera.hub.harvesting import Harvested
from tessera.hub.views import Layer, RdfFormat

NOW = datetime(2026, 3, 5, 14, 7, tzinfo=UTC)
Numbers = dict[str, dict[str, int]]


def _node(node_id: str, name: str, country: str, *, away: timedelta) -> NodeSummary:
    return NodeSummary(
        node_id=NodeId(node_id),
        name=name,
        country=country,
        approved=True,
        last_seen=NOW - away,
        online=away < timedelta(minutes=2),
        n_datasets=1,
    )


NODES = (
    _node("heraklion", "Πανεπιστημιακό Νοσοκομείο Ηρακλείου", "GR", away=timedelta(hours=27)),
    _node("linkoping", "Universitetssjukhuset i Linköping", "SE", away=timedelta(seconds=8)),
    _node("valencia", "Hospital Universitari i Politècnic La Fe", "ES", away=timedelta(seconds=21)),
)


def describe(
    dataset_id: str, title: dict[str, str], country: str, numbers: Numbers, **more: object
) -> DatasetDescription:
    """Return a description whose numbers have passed the real gate."""
    exact = DatasetDescription(
        dataset_id=DatasetId(dataset_id),
        version=1,
        title=title,
        description={
            "en": "All patients with a first diagnosis between 2012 and 2024, with every imaging "
            "study from one year before diagnosis to the last follow-up, and the pathology, "
            "stage, first treatment and survival from the regional cancer register.",
        },
        keywords=("oncology", "follow-up"),
        publisher=Agent("Region Östergötland", "bilddata@example.org", "https://example.org"),
        contact=Agent("Forskningsdata", "bilddata@example.org"),
        country=country,
        language="sv",
        created=NOW - timedelta(days=12),
        manifest_sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        n_subjects=sum(numbers["sex"].values()),
        n_studies=1893,
        n_series=11_264,
        n_instances=1_284_377,
        n_bytes=689_412_000_000,
        facets={
            name: tuple(Facet(value, n) for value, n in cells.items())
            for name, cells in numbers.items()
        },
        population=("cancer", "benign"),
        data_use=("DUO_0000042", "DUO_0000021"),
        collection_methods=("patient-based", "longitudinal"),
        provenance="Query of the regional archive by diagnosis code; linked to the register by "
        "personal identity number inside the hospital, before de-identification.",
        deid_profile="tessera-basic 1.0.0 sha256:4bf5122f344554c5",
        legal_basis="GDPR art. 9(2)(j); ethical approval 2024-01234-01",
        quality={"error": 0, "warning": 14, "note": 132},
    )
    changed = replace(exact, **more)  # type: ignore[arg-type]
    return disclose_description(changed, CountPolicy()).value


PROSTATE = describe(
    "prostate-mr",
    {"en": "Prostate MR with follow-up", "sv": "Prostata-MR med uppföljning"},
    "SE",
    {
        "sex": {"male": 847},
        "population": {"cancer": 790, "benign": 57},
        "age_at_diagnosis": {
            "40-49": 21,
            "50-59": 163,
            "60-69": 358,
            "70-79": 241,
            "80-89": 61,
            "90+": 3,
        },
        "cancer": {"prostate": 790},
        "stage": {"I": 212, "II": 301, "III": 164, "IV": 113},
        "modality": {"MR": 847, "PT": 96, "CT": 230, "SEG": 404},
        "manufacturer": {"Siemens Healthineers": 512, "GE MEDICAL SYSTEMS": 322, "Philips": 13},
        "body_part": {"PROSTATE": 804, "PELVIS": 311},
    },
)
BREAST = describe(
    "breast-screening",
    {"en": "Breast screening and diagnostic mammography"},
    "ES",
    {
        "sex": {"female": 2314, "male": 11},
        "age_at_diagnosis": {
            "30-39": 31,
            "40-49": 240,
            "50-59": 612,
            "60-69": 590,
            "70-79": 204,
            "80-89": 44,
        },
        "cancer": {"breast": 1721},
        "stage": {"0": 301, "I": 702, "II": 498, "III": 151, "IV": 69},
        "modality": {"MG": 2325, "US": 811, "MR": 207},
        "manufacturer": {"HOLOGIC, Inc.": 1710, "FUJIFILM": 640},
    },
    version=3,
    language="es",
    n_studies=6120,
    n_instances=24_480,
    n_bytes=388_100_000_000,
    publisher=Agent("Conselleria de Sanitat", "dades@example.org"),
)
COLORECTAL = describe(
    "colorectal-ct",
    {"en": "Colorectal staging CT", "sv": "Stadieindelning av tjock- och ändtarmscancer med DT"},
    "GR",
    {
        "sex": {"female": 61, "male": 79},
        "age_at_diagnosis": {"50-59": 22, "60-69": 54, "70-79": 48, "80-89": 16},
        "cancer": {"colon": 92, "rectum": 48},
        "stage": {"I": 24, "II": 40, "III": 51, "IV": 25},
        "modality": {"CT": 140, "PT": 8},
        "manufacturer": {"TOSHIBA": 140},
    },
    language="el",
    n_studies=402,
    n_instances=118_000,
    n_bytes=61_000_000_000,
    quality={"error": 1, "warning": 3, "note": 9},
    publisher=Agent("7η Υγειονομική Περιφέρεια Κρήτης", "data@example.org"),
)


def entry(node: NodeSummary, description: DatasetDescription, *, days_ago: int) -> CatalogueEntry:
    return CatalogueEntry(
        node=node,
        description=description,
        published_at=NOW - timedelta(days=days_ago),
        versions=tuple(range(1, description.version + 1)),
    )


ENTRIES = (
    entry(NODES[1], PROSTATE, days_ago=2),
    entry(NODES[2], BREAST, days_ago=9),
    entry(NODES[0], COLORECTAL, days_ago=30),
)


ELSEWHERE = HarvestSource(
    source_id="nordic",
    name="Nordic imaging catalogue",
    address="https://nordic.example.org/fdp",
    every_h=24,
    allow_private=False,
    added_at=NOW - timedelta(days=40),
    run_at=NOW - timedelta(hours=3),
)


def harvested(name: str, **more: object) -> HarvestedEntry:
    dataset = ReadDataset(
        iri=f"https://nordic.example.org/dataset/{name}",
        identifier=f"doi:10.5072/{name}",
        title={"en": "Lung CT from the Nordic screening", "fi": "Keuhkojen TT-seulonta"},
        description={"en": "Low-dose CT of smokers, three rounds, with outcome after ten years."},
        publisher="Nordic Imaging Network",
        custodian="Helsinki University Hospital",
        version="2.1",
        country="FI",
        cancers=("lung",),
        modalities=("CT",),
        keywords=("screening", "low dose"),
        n_subjects=4120,
    )
    entry = HarvestedEntry(
        source_id="nordic",
        dataset=dataset,
        first_seen=NOW - timedelta(days=40),
        last_seen=NOW - timedelta(hours=3),
    )
    return replace(entry, **more)  # type: ignore[arg-type]


@dataclass(frozen=True)
class FakeHarvest:
    """What was harvested; nothing is fetched."""

    held: Sequence[HarvestSource]
    found: Sequence[HarvestedEntry]

    def sources(self) -> Sequence[HarvestSource]:
        return self.held

    def source(self, source_id: str) -> HarvestSource | None:
        return next((s for s in self.held if s.source_id == source_id), None)

    def entries(self, source_id: str | None = None) -> Sequence[HarvestedEntry]:
        return [e for e in self.found if source_id in (None, e.source_id)]

    def entry(self, key: str) -> HarvestedEntry | None:
        return next((e for e in self.found if e.key == key), None)


@dataclass
class FakeHub:
    """Holds entries. A search is answered by `outcomes`; one more is there at each look."""

    entries: Sequence[CatalogueEntry] = ENTRIES
    all_nodes: Sequence[NodeSummary] = NODES
    outcomes: Sequence[Outcome] = (Outcome.COUNTED, Outcome.TOO_FEW, Outcome.NO_ANSWER)
    is_quick: bool = True
    """Every answer is there at once."""
    asked_at: datetime = NOW
    sources: Sequence[HarvestSource] = ()
    from_elsewhere: Sequence[HarvestedEntry] = ()
    gone: Sequence[Notice] = ()
    """Withdrawals, of datasets that are among the entries."""
    _searches: dict[str, SearchResult] = field(default_factory=dict)
    _ids: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def address(self) -> str:
        return "https://hub.example.org"

    @property
    def harvested(self) -> Harvested:
        return Harvested(store=self)  # type: ignore[arg-type]

    @property
    def harvest(self) -> "FakeHarvest":
        return FakeHarvest(self.sources, self.from_elsewhere)

    def progress(self) -> Progress:
        return progress(
            Published(
                at=entry.published_at,
                node_id=entry.node.node_id,
                country=entry.node.country,
                description=entry.description,
            )
            for entry in self.entries
        )

    def summary(self) -> HubSummary:
        def total(numbers: list[int | None]) -> int | None:
            told = [number for number in numbers if number is not None]
            return sum(told) if told or not numbers else None

        described = [entry.description for entry in self.entries]
        return HubSummary(
            n_nodes=len(self.all_nodes),
            n_nodes_online=sum(node.online for node in self.all_nodes),
            n_countries=len({node.country for node in self.all_nodes}),
            n_datasets=len(described),
            n_subjects=total([d.n_subjects for d in described]),
            n_studies=total([d.n_studies for d in described]),
            n_series=total([d.n_series for d in described]),
            n_instances=total([d.n_instances for d in described]),
            n_bytes=sum(d.n_bytes for d in described),
        )

    def nodes(self) -> Sequence[NodeSummary]:
        return self.all_nodes

    def catalogue(self) -> Sequence[CatalogueEntry]:
        return self.entries

    def entry(self, node_id: str, dataset_id: str, version: int | None = None) -> CatalogueEntry:
        found = self._found(node_id, dataset_id, version)
        for notice in self.gone:
            if notice.dataset_id == found.description.dataset_id:
                raise Withdrawn(notice, found)
        return found

    def _found(self, node_id: str, dataset_id: str, version: int | None) -> CatalogueEntry:
        for found in self.entries:
            if (found.node.node_id, found.description.dataset_id) == (node_id, dataset_id):
                if version is None or version == found.description.version:
                    return found
                if version in found.versions:
                    older = replace(found.description, version=version)
                    return replace(found, description=older)
        raise NotFound(f"no dataset {node_id}/{dataset_id}")

    async def ask(
        self,
        text: str,
        wait_s: float = 10.0,
        *,
        person_id: str = "",
        statistic: Statistic | None = None,
    ) -> str:
        query = parse(text)
        rows = tuple(
            DatasetResult(
                node_id=e.node.node_id,
                node_name=e.node.name,
                country=e.node.country,
                dataset_id=e.description.dataset_id,
                version=e.description.version,
                title=e.description.title["en"],
                outcome=Outcome.NO_ANSWER,
                data_created=e.description.created,
                last_seen=e.node.last_seen,
                detail="The node has not answered yet.",
            )
            for e in self.entries
        )
        search = SearchResult(
            search_id=f"search-{next(self._ids)}",
            query=str(query),
            explained=explain(query),
            asked_at=self.asked_at,
            complete=not rows,
            deadline=self.asked_at + timedelta(seconds=wait_s),
            results=rows,
            n_subjects=0,
            n_studies=0,
            statistic="" if statistic is None else str(statistic),
        )
        self._searches[search.search_id] = search
        if self.is_quick:
            for _ in rows:
                self._one_more(search.search_id)
        return search.search_id

    def search(self, search_id: str) -> SearchResult:
        if search_id not in self._searches:
            raise NotFound("no such search")
        return self._searches[search_id]

    async def wait_search(
        self, search_id: str, wait_s: float, *, after: int | None = None
    ) -> SearchResult:
        self._one_more(search_id)
        return self.search(search_id)

    def rdf(self, entries: Sequence[CatalogueEntry], format: RdfFormat) -> bytes:
        titles = [entry.description.title["en"] for entry in entries]
        return json.dumps({"format": format, "titles": titles}).encode()

    def record(self, layer: Layer, format: RdfFormat, entry: CatalogueEntry | None = None) -> bytes:
        return f"{layer} {format} {entry.description.dataset_id if entry else ''}".encode()

    def tombstone(self, gone: Withdrawn, format: RdfFormat) -> bytes:
        return f"tombstone {format} {gone.title}".encode()

    def rdf_dataset(self, entry: CatalogueEntry, format: RdfFormat) -> bytes:
        return self.rdf([entry], format)

    def _one_more(self, search_id: str) -> None:
        """Let the next dataset answer as `outcomes` says."""
        search = self.search(search_id)
        waiting = [i for i, row in enumerate(search.results) if not row.policy]
        if not waiting:
            return
        rows = list(search.results)
        rows[waiting[0]] = self._answered(rows[waiting[0]], self.outcomes[waiting[0]])
        self._searches[search_id] = replace(
            search,
            results=tuple(rows),
            complete=len(waiting) == 1,
            n_subjects=sum(row.n_subjects or 0 for row in rows),
            n_studies=sum(row.n_studies or 0 for row in rows),
        )

    def _answered(self, row: DatasetResult, outcome: Outcome) -> DatasetResult:
        policy = CountPolicy().words()
        if outcome is Outcome.COUNTED:
            return replace(
                row, outcome=outcome, n_subjects=480, n_studies=610, policy=policy, detail=""
            )
        if outcome is Outcome.NOT_SUPPORTED:
            return replace(
                row, outcome=outcome, not_supported=("gleason", "psa"), policy=policy, detail=""
            )
        return replace(row, outcome=outcome, policy=policy, detail="")
