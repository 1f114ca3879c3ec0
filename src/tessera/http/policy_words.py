"""A node's policy sentence in the reader's language, composed anew from its numbers. Pure.

A policy travels as an English sentence. Where its form is the known one, the sentence is
written in the reader's language; any other is shown as it came, marked as English.
"""

import re

from markupsafe import Markup

from tessera.http.formats import number
from tessera.http.language import Texts

_DOWN = re.compile(r"\brounded down to (?:a )?multiples? of (\d+)", re.IGNORECASE)
_MINIMUM = re.compile(
    r"\b(?:below|under|fewer than|less than|minimum(?: of)?|at least) (\d+)\b", re.IGNORECASE
)


def policy_sentence(policy: str, words: Texts) -> Markup:
    """Return the policy in words. Empty when there is none."""
    if not policy:
        return Markup("")
    minimum, step = _MINIMUM.search(policy), _DOWN.search(policy)
    if words.language == "en" or not (minimum and step):
        return english(policy, words)
    return words(
        "policy.minimum_and_step",
        minimum=number(int(minimum[1]), words.language),
        below=number(int(minimum[1]) - 1, words.language),
        step=number(int(step[1]), words.language),
    )


def english(text: str, words: Texts) -> Markup:
    """Return English text, marked as such where the page is in another language."""
    if words.language == "en":
        return Markup("{}").format(text)
    return Markup('<span lang="en">{}</span>').format(text)
