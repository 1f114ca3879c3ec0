"""The words and signs of the text form of a cohort query. Pure."""

import re
from dataclasses import dataclass

from tessera.domain.cohort.query import KEYWORDS
from tessera.domain.errors import InvalidQuery

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<symbol>!=|<>|<=|>=|==|[=<>≠≤≥(),])
      | (?P<quoted>"(?:[^"]|"")*"|'(?:[^']|'')*')
      | (?P<word>[^\s=!<>≠≤≥(),"']+)""",
    re.VERBOSE,
)
EXAMPLE = "for example `cancer = prostate and modality in (MR, PT)`"


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    """symbol, quoted, word, or end."""
    text: str
    position: int

    @property
    def keyword(self) -> str:
        folded = self.text.lower()
        return folded if self.kind == "word" and folded in KEYWORDS else ""

    def __str__(self) -> str:
        return "the end of the query" if self.kind == "end" else f"`{self.text[:40]}`"


def tokens_of(text: str) -> list[Token]:
    tokens, at = [], 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            if text[at] in "\"'":
                raise InvalidQuery(
                    "a quotation mark is not closed", position=at, mend=f"close it with {text[at]}"
                )
            raise InvalidQuery(f"{text[at]!r} has no meaning here", position=at, mend=EXAMPLE)
        kind, part = str(found.lastgroup), found.group()
        if kind == "quoted":
            part = part[1:-1].replace(part[0] * 2, part[0])
        if kind != "space":
            tokens.append(Token(kind, part, at))
        at = found.end()
    return [*tokens, Token("end", "", len(text))]
