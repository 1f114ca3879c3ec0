"""What a hub takes into its catalogue: limits on a description that a node wrote. Pure.

One node's description is shown beside all others, in one page, one JSON and one RDF
document: what would spoil that document is refused on arrival, with the key's name.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from tessera.domain.catalogue.description import Agent, DatasetDescription, Facet
from tessera.domain.cohort.disclosure import policy_in_words
from tessera.wire.refusals import BadMessage
from tessera.wire.text import is_plain

MAX_VERSION: Final = 999_999
MAX_SUBJECTS: Final = 10**9
MAX_OF_SUBJECTS: Final = 10**12
"""Studies, series, instances."""
MAX_CHANGE_NOTE: Final = 2000
"""Characters."""
MAX_BYTES: Final = 10**18
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(3000, 1, 1, tzinfo=UTC)
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_FACET = re.compile(r"[a-z][a-z0-9_]{0,63}")
_AGE_BAND = re.compile(r"[0-9]{1,3}([-–][0-9]{1,3}|\+)")
_DUO = re.compile(r"DUO_[0-9]{7}")
_URL = re.compile(r"https?://[^\s<>\"{}|\\^`/]+(/[^\s<>\"{}|\\^`]*)?")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?_~-]{1,64}@[A-Za-z0-9.-]{1,190}")
_JWS = re.compile(r"(?=.{0,8000}\Z)([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)?")
_SEVERITY = re.compile(r"[a-z]{1,20}")


def check_description(d: DatasetDescription) -> None:
    """Raise BadMessage that names the key of what a hub does not take."""
    _require(d.version <= MAX_VERSION, "version", f"at most {MAX_VERSION}")
    _require(_EARLIEST <= d.created < _LATEST, "created", "a time from 2000 to 2999")
    for key, texts, n_characters in (
        ("title", d.title, 300),
        ("description", d.description, 10_000),
    ):
        _require(len(texts) <= 30, key, "at most 30 languages")
        for language, text in texts.items():
            _require(_LANGUAGE.fullmatch(language), key, "language tags such as en and sv")
            _text(f"{key}.{language}", text, n_characters)
    for key, text in (
        ("provenance", d.provenance),
        ("deid_profile", d.deid_profile),
        ("legal_basis", d.legal_basis),
        ("policy", d.policy),
    ):
        _text(key, text, 2000)
    _text("change_note", d.change_note, MAX_CHANGE_NOTE)
    _require(_LANGUAGE.fullmatch(d.language), "language", "a language tag such as sv")
    _agent("publisher", d.publisher)
    _agent("contact", d.contact)
    _require(len(d.keywords) <= 100, "keywords", "at most 100")
    for keyword in d.keywords:
        _text("keywords", keyword, 100)
    for key, words in (
        ("population", d.population),
        ("collection_methods", d.collection_methods),
        ("access_conditions", d.access_conditions),
    ):
        _words(key, words, _WORD, "words of letters, digits and hyphens")
    _words("data_use", d.data_use, _DUO, "GA4GH DUO codes such as DUO_0000042")
    _require(d.interoperability_tier <= 9, "interoperability_tier", "at most 9")
    _require(_JWS.fullmatch(d.conformance), "conformance", "a compact JWS of at most 8000 letters")
    _words("quality", d.quality, _SEVERITY, "severities")
    _require(all(0 <= n < 2**53 for n in d.quality.values()), "quality", "numbers of findings")
    _numbers(d)


def check_number(key: str, number: int | None, most: int, policy: str) -> None:
    """Raise BadMessage for a number of subjects' things that no gate with this policy lets out.

    A policy in words that this program does not know is not judged.
    """
    if number is None:
        return
    _require(1 <= number <= most, key, f"a number from 1 to {most}, or null")
    known = policy_in_words(policy)
    if known is not None:
        _require(known.lets_out(number), key, "a number that the stated count policy lets out")


def _numbers(d: DatasetDescription) -> None:
    check_number("n_subjects", d.n_subjects, MAX_SUBJECTS, d.policy)
    for key, number in (
        ("n_studies", d.n_studies),
        ("n_series", d.n_series),
        ("n_instances", d.n_instances),
    ):
        check_number(key, number, MAX_OF_SUBJECTS, d.policy)
    _require(d.n_bytes <= MAX_BYTES, "n_bytes", f"at most {MAX_BYTES}")
    _require(len(d.facets) <= 30, "facets", "at most 30")
    for name, cells in d.facets.items():
        _require(_FACET.fullmatch(name), "facets", "names of a-z, 0-9 and _")
        _facet(f"facets.{name}", cells, d)


def _facet(key: str, cells: tuple[Facet, ...], d: DatasetDescription) -> None:
    _require(len(cells) <= 500, key, "at most 500 values")
    for cell in cells:
        _text(key, cell.value, 200)
        if key == "facets.age_at_diagnosis":
            _require(_AGE_BAND.fullmatch(cell.value), key, "bands of ages such as 60-69 and 90+")
        check_number(key, cell.n_subjects, d.n_subjects or 0, d.policy)


def _agent(key: str, agent: Agent) -> None:
    _text(f"{key}.name", agent.name, 300)
    if agent.email:
        _require(_EMAIL.fullmatch(agent.email), f"{key}.email", "an e-mail address")
    if agent.url:
        is_address = len(agent.url) <= 1000 and is_plain(agent.url) and _URL.fullmatch(agent.url)
        _require(is_address, f"{key}.url", "an address that begins with http:// or https://")


def _words(key: str, words: Iterable[str], form: re.Pattern[str], expected: str) -> None:
    words = list(words)
    _require(len(words) <= 100, key, "at most 100")
    _require(all(form.fullmatch(word) for word in words), key, expected)


def _text(key: str, text: str, n_characters: int) -> None:
    _require(len(text) <= n_characters, key, f"at most {n_characters} characters")
    _require(is_plain(text), key, "text without control characters")


def _require(is_so: object, key: str, expected: str) -> None:
    if not is_so:
        raise BadMessage(key, expected)
