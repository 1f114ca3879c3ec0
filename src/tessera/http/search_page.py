"""What the search page shows: the answers in order, the total, the fault of a query. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from markupsafe import Markup

from tessera.domain.catalogue.entry import CatalogueEntry
from tessera.domain.cohort.fields import FIELDS, Kind
from tessera.domain.cohort.result import DatasetResult, Outcome, SearchResult
from tessera.domain.errors import InvalidQuery
from tessera.http.charts import Chart, chart
from tessera.http.condition_words import condition_meaning, field_label
from tessera.http.language import Texts
from tessera.http.policy_words import policy_sentence
from tessera.http.trouble_words import added_sentence, fault_sentence, mend_sentence

EXAMPLES = (
    (
        "prostate",
        "cancer = prostate and modality in (MR, PT) and age_at_diagnosis between 50 and 70",
    ),
    ("breast", "cancer = breast and her2 = positive and modality = MR"),
    ("colorectum", "cancer = colorectum and stage in (III, IV) and modality = CT"),
)
"""Key of the words (`example.<key>`) and the query."""

_SAID_BY_THE_PAGE = ("The node did not ", "The node came ", "The node has not ")
"""How the hub's sentences about a silent node begin."""
ORDER = (Outcome.COUNTED, Outcome.TOO_FEW, Outcome.NOT_SUPPORTED, Outcome.NO_ANSWER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition of the query: as written, its level, and what it means."""

    text: str
    level: str
    meaning: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldHelp:
    """One row of the table of fields. `kind` is number or text where `values` is empty."""

    name: str
    meaning: str
    level: str
    kind: str
    values: tuple[str, ...]
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One policy, and whose it is."""

    sentence: Markup
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One search as shown."""

    result: SearchResult
    conditions: tuple[Condition, ...]
    rows: tuple[DatasetResult, ...]
    policies: tuple[Policy, ...]
    about: str
    """`node/dataset` that the reader came from; its answer stands first. "" for none."""
    titles: Mapping[tuple[str, str], Mapping[str, str]]
    """Node and dataset → its title by language."""
    online: frozenset[str]
    """Nodes that are in touch."""
    words: Texts
    n_answered: int
    """Datasets with an answer of any kind."""
    charts: tuple[Chart, ...]
    """Distributions over all datasets that counted."""

    @property
    def n_counted(self) -> int:
        return sum(row.outcome is Outcome.COUNTED for row in self.rows)

    def title(self, row: DatasetResult) -> Mapping[str, str]:
        """Return the title by language; at least the English one that came with the answer."""
        return self.titles.get((row.node_id, row.dataset_id), {"en": row.title})

    def is_waiting(self, row: DatasetResult) -> bool:
        """Whether this dataset may still answer."""
        return (
            not self.result.complete
            and row.outcome is Outcome.NO_ANSWER
            and row.node_id in self.online
        )

    def addition(self, row: DatasetResult) -> Markup:
        """Return what the node adds. What the hub says of a silent node, the page says itself."""
        own = row.outcome is Outcome.NO_ANSWER and row.detail.startswith(_SAID_BY_THE_PAGE)
        return Markup() if own else added_sentence(row.detail, self.words)


def view(
    result: SearchResult,
    words: Texts,
    *,
    about: str = "",
    online: frozenset[str] = frozenset(),
    entries: Sequence[CatalogueEntry] = (),
) -> View:
    """Order the answers: the dataset the reader came from, then by outcome, most subjects first."""

    def order(row: DatasetResult) -> tuple[bool, int, int, str, str]:
        return (
            f"{row.node_id}/{row.dataset_id}" != about,
            ORDER.index(row.outcome),
            -(row.n_subjects or 0),
            row.node_name,
            row.dataset_id,
        )

    rows = tuple(sorted(result.results, key=order))
    return View(
        result=result,
        conditions=tuple(
            Condition(text=c.text, level=c.level, meaning=condition_meaning(c, words))
            for c in result.explained
        ),
        rows=rows,
        policies=_policies(rows, words),
        about=about,
        online=online,
        titles={(e.node.node_id, e.description.dataset_id): e.description.title for e in entries},
        words=words,
        n_answered=sum(row.outcome is not Outcome.NO_ANSWER for row in rows),
        charts=tuple(
            chart(name, cells, partial(words.term, name))
            for name, cells in result.distributions.items()
        ),
    )


def field_help(words: Texts) -> list[FieldHelp]:
    """Return what a query may name, in the order of the registry."""
    return [
        FieldHelp(
            name=field.name,
            meaning=field_label(field.name, words),
            level=field.level.value,
            kind="number" if field.kind is Kind.NUMBER else "text",
            values=tuple(concept.name for concept in field.values),
            unit=field.unit,
        )
        for field in FIELDS.values()
    ]


def _policies(rows: Sequence[DatasetResult], words: Texts) -> tuple[Policy, ...]:
    nodes: dict[str, list[str]] = {}
    for row in rows:
        if row.policy and row.node_name not in nodes.setdefault(row.policy, []):
            nodes[row.policy].append(row.node_name)
    return tuple(
        Policy(sentence=policy_sentence(policy, words), nodes=tuple(names))
        for policy, names in nodes.items()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is wrong with a query: its line with the place marked, and the mend."""

    message: Markup
    mend: Markup
    line: str
    caret: str
    """As many spaces as there are characters before the place, then ^."""

    @classmethod
    def of(cls, error: InvalidQuery, text: str, words: Texts) -> "Trouble":
        position = min(max(error.position, 0), len(text))
        start = text.rfind("\n", 0, position) + 1
        end = text.find("\n", position)
        line = text[start : end if end >= 0 else len(text)].rstrip("\r")
        return cls(
            message=fault_sentence(error.message, words),
            mend=mend_sentence(error.mend, words),
            line=line.replace("\t", " "),
            caret=" " * (position - start) + "^",
        )
