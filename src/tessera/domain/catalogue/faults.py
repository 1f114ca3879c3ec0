"""What is wrong with a dataset's description, each fault with its mend. Pure.

Source: EUCAIM DCAT-AP 2.0 (Dataset, Distribution), the mandatory properties and their kinds of
value. The shapes in `adapters/rdf/shapes` judge the same in RDF, and a test holds the two together.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol

from tessera.domain.catalogue.about import ACCESS_CONDITIONS, DATA_USE
from tessera.domain.catalogue.description import Agent, DatasetDescription
from tessera.domain.errors import InvalidInput

_EMAIL: Final = re.compile(r"[^@\s<>\"{}|\\^`]+@[^@\s<>\"{}|\\^`]+")
_PAGE: Final = re.compile(r"https?://[^\s/<>\"{}|\\^`]+[^\s<>\"{}|\\^`]*")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a description."""

    property: str
    """Of the profile, with its usual prefix: dct:title."""
    wrong: str
    mend: str
    is_withheld: bool = False
    """The count policy keeps a number back: no fault of who wrote the words."""

    def __str__(self) -> str:
        return f"{self.property}: {self.wrong}; {self.mend}"


class FaultyDescription(InvalidInput):
    """A description has faults; `faults` lists all of them."""

    code: ClassVar[str] = "faulty-description"
    public: ClassVar[str] = "The description of the dataset has faults."

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n  ".join(["the description has faults:", *map(str, faults)]))
        self.faults = faults


class Words(Protocol):
    """What a person writes of a dataset: `DatasetAbout` and `DatasetDescription` have it."""

    @property
    def title(self) -> Mapping[str, str]: ...
    @property
    def description(self) -> Mapping[str, str]: ...
    @property
    def keywords(self) -> tuple[str, ...]: ...
    @property
    def publisher(self) -> Agent: ...
    @property
    def contact(self) -> Agent: ...
    @property
    def access_conditions(self) -> tuple[str, ...]: ...
    @property
    def data_use(self) -> tuple[str, ...]: ...


def require_sound(words: Words) -> None:
    """Raise FaultyDescription with every fault of what a data manager wrote."""
    if faults := word_faults(words):
        raise FaultyDescription(faults)


def word_faults(words: Words) -> tuple[Fault, ...]:
    """Return the faults of what a person wrote, in the order of the profile."""
    return (
        *_texts("dct:title", "title", words.title),
        *_texts("dct:description", "description", words.description),
        *_keywords(words.keywords),
        *_contact(words.contact),
        *_publisher(words.publisher, words.contact),
        *_rights(words.access_conditions, words.data_use),
    )


def description_faults(description: DatasetDescription) -> tuple[Fault, ...]:
    """Return all faults of a released description: of its words, then of its numbers."""
    return (*word_faults(description), *_facts(description))


def _texts(name: str, what: str, texts: Mapping[str, str]) -> Iterator[Fault]:
    if "en" not in texts:
        yield Fault(name, f"there is no English {what}", f"write the {what} in English")
    for language, text in texts.items():
        if not text.strip():
            yield Fault(name, f"the {what} in {language!r} is empty", "write it or leave it out")
        if not _LANGUAGE.fullmatch(language):
            yield Fault(name, f"{language!r} is no language tag", "use one such as en or sv")


def _keywords(keywords: tuple[str, ...]) -> Iterator[Fault]:
    if any(not word.strip() for word in keywords):
        yield Fault("dcat:keyword", "a keyword is empty", "write it or leave it out")


def _contact(contact: Agent) -> Iterator[Fault]:
    yield from _addresses("dcat:contactPoint", "the contact's", contact)
    if not (contact.email or contact.url):
        yield Fault(
            "dcat:contactPoint",
            "the contact has neither e-mail address nor page",
            "give one of them, of an office rather than of a person",
        )


def _publisher(publisher: Agent, contact: Agent) -> Iterator[Fault]:
    name = "dct:publisher"
    if not publisher.name.strip():
        yield Fault(name, "the publisher has no name", "write who holds the data")
    # Without an address of its own a publisher is reached through the contact.
    reached = Agent(publisher.name, publisher.email or contact.email, publisher.url or contact.url)
    yield from _addresses(name, "the publisher's", reached)
    if not (reached.email or reached.url):
        yield Fault(name, "the publisher cannot be reached", "give the contact an address")


def _addresses(name: str, whose: str, agent: Agent) -> Iterator[Fault]:
    if agent.email and not _EMAIL.fullmatch(agent.email):
        yield Fault(name, f"{whose} e-mail address is none", "write it as name@example.org")
    if agent.url and not _PAGE.fullmatch(agent.url):
        yield Fault(name, f"{whose} page is no web address", "write it as https://example.org/")


def _rights(conditions: tuple[str, ...], data_use: tuple[str, ...]) -> Iterator[Fault]:
    name = "dct:rights"
    one_of = ", ".join(ACCESS_CONDITIONS)
    if not conditions:
        yield Fault(name, "there is no access condition", f"give at least one of {one_of}")
    for word in conditions:
        if word not in ACCESS_CONDITIONS:
            yield Fault(name, f"{word!r} is no access condition", f"use one of {one_of}")
    for code in data_use:
        if code not in DATA_USE:
            yield Fault(
                name,
                f"{code!r} is none of the profile's data use conditions",
                f"use one of {', '.join(DATA_USE)}",
            )


def _facts(d: DatasetDescription) -> Iterator[Fault]:
    if d.version < 1:
        yield Fault("dcat:version", f"{d.version} is no version", "versions begin with 1")
    if not _SHA256.fullmatch(d.manifest_sha256):
        yield Fault("adms:identifier", "the manifest's hash is none", "give all 64 hex digits")
    if d.n_bytes < 0:
        yield Fault("dcat:byteSize", "the size is negative", "count the bytes of the images")
    for name, what, number in (
        ("healthdcatap:numberOfUniqueIndividuals", "subjects", d.n_subjects),
        ("healthdcatap:numberOfRecords", "imaging studies", d.n_studies),
    ):
        if number is None:
            yield Fault(
                name,
                f"the {what} are too few to tell",
                "choose more subjects, or leave it: the count policy of the node withholds it",
                is_withheld=True,
            )
        elif number < 0:
            yield Fault(name, f"the number of {what} is negative", f"count the {what}")
