"""A node's policy sentence in the reader's language, composed anew from its numbers. Pure.

A policy travels as the English sentence of `CountPolicy.words`. In another language it is
written anew from the numbers in it; a sentence of any other form is shown as it came,
marked as English.
"""

from markupsafe import Markup

from tessera.domain.cohort.disclosure import policy_in_words
from tessera.http.formats import number
from tessera.http.language import Texts


def policy_sentence(policy: str, words: Texts) -> Markup:
    """Return the policy in words. Empty when there is none."""
    found = policy_in_words(policy)
    if words.language == "en" or found is None:
        return english(policy, words)
    minimum, step = _shown(found.minimum, words), _shown(found.step, words)
    first = (
        words("policy.few", minimum=minimum) if found.minimum > 1 else words("policy.none_withheld")
    )
    if found.noise:
        most, off = _shown(found.most_hidden, words), _shown(found.most_off, words)
        second = words("policy.noise", most=most, step=step, off=off)
    elif found.step > 1:
        second = words("policy.rounded", step=step)
    else:
        second = words("policy.not_rounded")
    return Markup("{}; {}.").format(first, second)


def english(text: str, words: Texts) -> Markup:
    """Return English text, marked as such where the page is in another language."""
    if words.language == "en" or not text:
        return Markup("{}").format(text)
    return Markup('<span lang="en">{}</span>').format(text)


def _shown(n: int, words: Texts) -> str:
    return number(n, words.language)
