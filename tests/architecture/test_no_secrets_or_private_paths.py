"""Nothing in the tree belongs to one machine or is a secret."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import REPO, Breach, project_files, report

FORBIDDEN = {
    "a folder of one machine": r"(?<![\w.~/$}])/(?:home|root|Users|work|workspace)/(?=\w)",
    "a folder of one Windows machine": r"\b[A-Za-z]:\\+Users\\+\w",
    "a temporary folder of one machine": r"/tmp/(?:pytest-of-|tmp)",  # noqa: S108 - a pattern, not a folder
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",
    "a private JSON Web Key": r'"kty"\s*:\s*"(?:OKP|EC|RSA)"[^}]*"d"\s*:\s*"[\w-]{20}',
    "an access token": r"\b(?:gh[pousr]_[A-Za-z0-9]{30}|glpat-[\w-]{20}|AKIA[0-9A-Z]{16})",
    "a password in an address": r"\b(?:https?|postgres(?:ql)?)://[^/\s:@\"'{}$<]+:[^/\s@\"'{}$<]+@",
    "a private package index": r"^\s*--(?:extra-)?index-url",
}
_PATTERNS = {what: re.compile(pattern, re.MULTILINE) for what, pattern in FORBIDDEN.items()}
_LARGE_BYTES = 5_000_000
_BUILT = {
    "src/tessera/domain/deid/data/words/words.bin": 8_000_000,
    "src/tessera/domain/deid/data/words/words-el-da.bin": 2_000_000,
}
"""Data that a tool of the project builds, and how large they may get."""
PUBLISHED = {
    "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A": "RFC 8037, appendix A.1",
    "TM0Imyj_ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U-4pvs": "RFC 8032, section 7.1, test 2",
}
"""Private keys that are no secret, to where they are printed."""


def faults(where: str, text: str) -> Iterator[Breach]:
    for published in PUBLISHED:
        text = text.replace(published, "…")
    for what, pattern in _PATTERNS.items():
        for found in pattern.finditer(text):
            yield Breach(where, text.count("\n", 0, found.start()) + 1, what)


def text_of(path: Path) -> str:
    """Bytes as Latin-1, so that binary files are searched as well."""
    return path.read_bytes().decode("latin-1")


def test_no_file_holds_a_secret_or_a_path_of_one_machine() -> None:
    found = [
        breach
        for path in project_files()
        for breach in faults(str(path.relative_to(REPO)), text_of(path))
    ]
    assert not found, report(found)


def test_no_file_is_too_large_to_read_in_review() -> None:
    sizes = {str(path.relative_to(REPO)): path.stat().st_size for path in project_files()}
    large = [place for place, n in sizes.items() if n > _BUILT.get(place, _LARGE_BYTES)]
    assert not large


@pytest.mark.parametrize(
    "text",
    [
        "see /" + "home/anna/data",
        "open('/" + "work/main/x')",
        "C:\\" + "Users\\anna",
        "log in /" + "tmp/pytest-of-root/x",
        "-----BEGIN " + "PRIVATE KEY-----",
        "-----BEGIN EC " + "PRIVATE KEY-----",
        '{"kty": "OKP", "crv": "Ed25519", "x": "a", ' + '"d": "' + "A" * 43 + '"}',
        "gh" + "p_" + "a" * 36,
        "https://anna:" + "secret@example.org/",
        "--index" + "-url https://packages.example.org/simple",
    ],
)
def test_each_kind_is_seen(text: str) -> None:
    assert list(faults("made", text))


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/home/page",
        "../work/x and a/home/b",
        "tessera demo --home ./demo-data",
        "http://127.0.0.1:8700/datasets",
        '{"kty": "OKP", "crv": "Ed25519", "x": "public only"}',
    ],
)
def test_ordinary_text_is_let_through(text: str) -> None:
    assert not list(faults("made", text))
