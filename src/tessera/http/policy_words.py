"""A node's policy sentence in the reader's language, composed anew from its numbers. Pure.

A policy travels as the English sentence of `CountPolicy.words`. In another language it is
written anew from the numbers in it; a sentence of any other form is shown as it came,
marked as English.
"""

import re

from markupsafe import Markup

from tessera.http.formats import number
from tessera.http.language import Texts

_POLICY = re.compile(
    r"(?:Fewer than (?P<minimum>\d+) subjects, also none, are given as too few to tell"
    r"|No count is withheld); counts are "
    r"(?:rounded down to a multiple of (?P<step>\d+)|not rounded)\."
)


def policy_sentence(policy: str, words: Texts) -> Markup:
    """Return the policy in words. Empty when there is none."""
    found = _POLICY.fullmatch(policy)
    if words.language == "en" or found is None:
        return english(policy, words)
    minimum, step = found["minimum"], found["step"]
    first = (
        words("policy.few", minimum=_shown(minimum, words))
        if minimum
        else words("policy.none_withheld")
    )
    second = (
        words("policy.rounded", step=_shown(step, words)) if step else words("policy.not_rounded")
    )
    return Markup("{}; {}.").format(first, second)


def english(text: str, words: Texts) -> Markup:
    """Return English text, marked as such where the page is in another language."""
    if words.language == "en" or not text:
        return Markup("{}").format(text)
    return Markup('<span lang="en">{}</span>').format(text)


def _shown(digits: str, words: Texts) -> str:
    return number(int(digits), words.language)
