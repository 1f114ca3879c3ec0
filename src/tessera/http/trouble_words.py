"""What is wrong with a query, in the reader's language. Pure.

A fault arrives as an English sentence. In another language the sentence is recognised by its
form and written anew with its parts; one that is not recognised stays English, marked so.
"""

import re

from markupsafe import Markup

from tessera.http.language import Texts
from tessera.http.policy_words import english

FAULTS = (
    ("no_field", r"there is no field (?P<what>.+)"),
    ("no_value", r"(?P<field>\w+) has no value (?P<what>.+)"),
    ("not_number", r"(?P<field>\w+) needs a number(?: in \S+)?, not (?P<what>.+)"),
    ("not_value", r"(?P<what>.+) is not a value of (?P<field>\w+)"),
    ("too_short", r"(?P<field>\w+) needs at least two letters or digits, not (?P<what>.+)"),
    ("empty", r"the query is empty"),
    ("open_quote", r"a quotation mark is not closed"),
    ("no_order", r"(?P<field>\w+) has no order, so (?P<what>.+) has no meaning"),
    ("no_meaning", r"(?P<what>.+) has no meaning here"),
    ("open_bracket", r"a bracket is open and (?P<what>.+) was not expected"),
    ("unexpected", r"(?P<what>.+) was not expected here"),
    ("want_field", r"a field must stand here, not (?P<what>.+)"),
    ("want_operator", r"after (?P<field>\w+) an operator must stand, not (?P<what>.+)"),
    ("want_two", r"`between` needs two values joined by `and`, and here is (?P<what>.+)"),
    ("want_value", r"a value of (?P<field>\w+) must stand here, not (?P<what>.+)"),
    ("want_symbol", r"(?P<symbol>`.`) must stand here, not (?P<what>.+)"),
    ("want_words", r"(?P<word>`.{2,}`) must stand here, not (?P<what>.+)"),
    ("want_whole", r"a whole number must stand here, not (?P<what>.+)"),
    ("no_date", r"this has no date that a relation in time could be about"),
    ("too_long", r"the query(?:, written out in full,)? has (?P<n>\d+) characters"),
)
"""Key of the words (`trouble.<key>`) and the form of the English sentence."""
MENDS = (
    ("did_you_mean", r"did you mean (?P<what>[^?]+)\? \(known: (?P<known>.+)\)"),
    ("known", r"known: (?P<known>.+)"),
    ("example", r"for example (?P<example>`.+`)"),
    ("values", r"values: (?P<known>.+)"),
    ("fields", r"fields: (?P<known>.+)"),
    ("close_with", r"close it with (?P<what>.)"),
    ("join_quote", r"join conditions with .* in quotes"),
    ("join", r"join conditions with `and` or `or`"),
    ("closes_nothing", r"this bracket closes nothing; take it away"),
    ("list_brackets", r"lists stand in brackets: (?P<example>`.+`)"),
    ("close_bracket", r"close the bracket that opens at character (?P<n>\d+) with `\)`"),
    ("put", r"put (?P<what>`.`) here"),
    ("at_most", r"use at most (?P<n>\d+)"),
    ("operators", r"use (?P<known>=, .+)"),
    ("events", r"use a study, .+: for example (?P<example>`.+`)"),
    ("write", r"write (?P<example>`[^`]+`)"),
)
"""The same for what helps (`mend.<key>`)."""
_END = "the end of the query"


def fault_sentence(message: str, words: Texts) -> Markup:
    """Return what is wrong, for the message of an InvalidQuery."""
    return _written("trouble", FAULTS, message, words)


def mend_sentence(mend: str, words: Texts) -> Markup:
    """Return what helps. Empty when nothing is known to."""
    return _written("mend", MENDS, mend, words)


def _written(group: str, forms: tuple[tuple[str, str], ...], sentence: str, words: Texts) -> Markup:
    if words.language != "en":
        for name, form in forms:
            if found := re.fullmatch(form, sentence, re.DOTALL):
                parts: dict[str, object] = dict(found.groupdict())
                if parts.get("what") == _END:
                    parts["what"] = words("trouble.end")
                return words(f"{group}.{name}", **parts)
    return english(sentence, words)
