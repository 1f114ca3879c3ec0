"""Citations of any title, read back by other people's parsers: pybtex, rispy, jsonschema."""

import json
import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime

import jsonschema
import pytest
import rispy
from hypothesis import example, given
from hypothesis import strategies as st
from pybtex.database import parse_string
from pybtex.richtext import Text

from tessera.domain.catalogue.citation import Citation, bibtex, cited, csl, plain, ris
from tessera.domain.catalogue.description import Agent
from tessera.domain.catalogue.entry import CatalogueEntry
from tessera.domain.catalogue.harvested import LONGEST_TEXT, cleaned
from tessera.domain.catalogue.notice import Notice, NoticeKind
from tests.pages.fake_hub import ENTRIES, PROSTATE

HUB = "https://hub.example.org"
ADDRESS = f"{HUB}/datasets/linkoping/prostate-mr"
GONE = Notice(
    dataset_id=PROSTATE.dataset_id,
    kind=NoticeKind.WITHDRAWN,
    at=datetime(2026, 5, 3, 23, 30, tzinfo=UTC),
    reason="Consent was asked for {anew}; 4 % said no.",
)
LEFT_BY_PYBTEX = {
    r"\\textbraceleft\s?": "{",
    r"\\textbraceright\s?": "}",
    r"\\textless\s?": "<",
    r"\\textgreater\s?": ">",
    r"\\textbar\s?": "|",
    r"\\textasciicircum\s?": "^",
    r"\\\$": "$",
}
"""Commands of LaTeX that the decoder behind pybtex does not know; braces after them are gone."""
HOSTILE = (
    "{",
    "}{",
    "\\",
    "100 % of { \\input{x} } $&#_^~",
    "line\nTY  - JOUR\r\nER  - \r\n",
    "},\n}\n@misc{other, title = {x}",
    "\u202eevil\u202c right to left",
    "\u05e9\u05dc\u05d5\u05dd {\u0645\u0631\u062d\u0628\u0627}",
    "Östergötland, Skåne, Łódź, Çelik, Dvořák, a--b ---``x''",
    '@string{a = "b"}',
    "\x00\x1b[31m\u2028\u2029",
)
texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(max_size=60),
    st.text(alphabet="{}\\%$&#_^~-`'\"@,=åäöÅÄÖéçłß \n\r\u202e", max_size=60),
)


def entry(title: str, holder: str = "Region Östergötland") -> CatalogueEntry:
    about = replace(PROSTATE, title={"en": title}, publisher=Agent(holder, "x@example.org"))
    return replace(ENTRIES[0], description=about)


def line(text: str) -> str:
    return cleaned(text, LONGEST_TEXT)


def composed(text: str) -> str:
    """Return a text as it compares: one form of each letter, no difference of blanks."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def printed(latex: str) -> str:
    """Return what a field of BibTeX prints."""
    text = str(Text.from_latex(latex))
    for command, sign in LEFT_BY_PYBTEX.items():
        text = re.sub(command, lambda _, sign=sign: sign, text)
    return text


def of(title: str, holder: str = "Region", notice: Notice | None = None) -> Citation:
    return cited(entry(title, holder), HUB, is_version=True, notice=notice)


@given(texts, texts)
@example("a - b --- c", "{}")
def test_bibtex_is_one_entry_whatever_the_title_says(title: str, holder: str) -> None:
    written = bibtex(of(title, holder))
    read = parse_string(written, "bibtex")
    assert list(read.entries) == ["linkoping_prostate-mr_v1"]
    fields = read.entries["linkoping_prostate-mr_v1"].fields
    assert fields["url"] == f"{ADDRESS}?version=1"
    assert ("title" in fields) == bool(line(title))
    depth = 0
    for sign in written:
        depth += (sign == "{") - (sign == "}")
        assert depth >= 0
    assert depth == 0
    escaped = re.sub(r"\\[%#$&_]", "", written)
    assert not set(re.sub(r"\{https.*", "", escaped)) & set("%#$&")


@pytest.mark.parametrize("title", HOSTILE)
def test_bibtex_prints_the_title_and_the_holder_as_they_were_written(title: str) -> None:
    found = parse_string(bibtex(of(title, title)), "bibtex")
    [read] = found.entries.values()
    expected = composed(line(title))
    if expected:
        assert composed(printed(read.fields["title"])) == expected
        [author] = read.persons["author"]
        assert composed(printed(" ".join(author.last_names))) == expected
        assert not author.first_names  # an organisation is one name


def test_names_with_accents_are_written_as_tex_reads_them() -> None:
    written = bibtex(of("MR", "Region Östergötland och Skåne, İzmir, Łódź"))
    assert r"{{Region {\"O}sterg{\"o}tland och Sk{\aa}ne, {\.I}zmir, {\L}{\'o}d{\'z}}}" in written
    assert written.isascii()


@given(texts, texts)
def test_ris_is_one_record_whatever_the_title_says(title: str, holder: str) -> None:
    written = ris(of(title, holder))
    assert re.fullmatch(r"(?:[A-Z][A-Z0-9]  - [^\r\n]*\r\n)+", written)
    [read] = rispy.loads(written)
    assert read["type_of_reference"] == "DATA"
    assert read.get("title", "") == line(title).strip()
    assert read.get("authors", [""]) == [line(holder).strip()]
    assert read["year"] == "2026"
    assert read["urls"] == [f"{ADDRESS}?version=1"]


CSL_ITEM = {
    "type": "array",
    "minItems": 1,
    "maxItems": 1,
    "items": {
        "type": "object",
        "required": ["type", "id", "URL", "issued", "publisher"],
        "additionalProperties": False,
        "properties": {
            "type": {"const": "dataset"},
            "author": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["literal"],
                    "properties": {"literal": {"type": "string"}},
                    "additionalProperties": False,
                },
            },
            "issued": {
                "type": "object",
                "required": ["date-parts"],
                "properties": {
                    "date-parts": {
                        "type": "array",
                        "items": {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
                        "minItems": 1,
                        "maxItems": 2,
                    }
                },
                "additionalProperties": False,
            },
            **{
                name: {"type": "string"}
                for name in "id title version publisher language URL note status".split()
            },
        },
    },
}
"""The names and kinds that CSL-JSON 1.0 gives to what we write."""


@given(texts, st.booleans())
def test_csl_json_holds_the_very_words(title: str, is_gone: bool) -> None:
    written = json.loads(json.dumps(csl(of(title, notice=GONE if is_gone else None))))
    jsonschema.validate(written, CSL_ITEM)
    assert written[0].get("title", "") == line(title) + (" [withdrawn]" if is_gone else "")
    assert ("status" in written[0]) == is_gone


@given(texts, texts)
def test_the_plain_citation_is_one_line_and_ends_with_the_identifier(
    title: str, holder: str
) -> None:
    written = plain(of(title, holder))
    assert not re.search(r"[\x00-\x1f\x7f\u2028-\u202e\u2066-\u2069]", written)
    assert written.endswith(f" Dataset. {ADDRESS}?version=1")


def test_a_version_and_the_dataset_are_cited_each_by_its_own_name() -> None:
    version = plain(of("Prostate MR"))
    assert version == (
        "Region (2026): Prostate MR. Version 1. Universitetssjukhuset i Linköping. Dataset. "
        f"{ADDRESS}?version=1"
    )
    whole = cited(entry("Is it MR?"), HUB, is_version=False)
    assert plain(whole) == (
        "Region Östergötland (2026): Is it MR? Universitetssjukhuset i Linköping. Dataset. "
        f"{ADDRESS}"
    )
    assert whole.key == "linkoping_prostate-mr" and "version" not in csl(whole)[0]
    assert "SHA-256" not in whole.note and PROSTATE.manifest_sha256 in of("x").note


def test_what_was_withdrawn_is_cited_as_withdrawn_in_every_form() -> None:
    gone = of("Prostate MR", notice=GONE)
    assert "Prostate MR [withdrawn]. Version 1." in plain(gone)
    said = "Withdrawn on 2026-05-03: Consent was asked for {anew}; 4 % said no."
    [read] = parse_string(bibtex(gone), "bibtex").entries.values()
    assert read.fields["title"] == "{Prostate MR [withdrawn]}"
    assert said in printed(read.fields["note"])
    [record] = rispy.loads(ris(gone))
    assert record["title"] == "Prostate MR [withdrawn]" and said in record["notes"][0]
    assert csl(gone)[0]["status"] == "withdrawn" and said in str(csl(gone)[0]["note"])


def test_an_address_keeps_no_sign_that_a_form_would_read_as_its_own() -> None:
    odd = cited(entry("x"), "https://hub.example.org/a{b}c\\d", is_version=False)
    assert odd.address == ("https://hub.example.org/a%7Bb%7Dc%5Cd/datasets/linkoping/prostate-mr")
