"""Which part of the body a text or a code speaks of, and which side. Pure.

The words are common radiology words of English, Swedish, Spanish, German, French, Italian and
Greek, written for this project; the codes are those of PS3.16 Annex L (BodyPartExamined).
"""

import re
from typing import Final

_WORDS: Final = {
    "head": "head brain skull orbit sinus cerebr cranium huvud hjarna skalle cabeza craneo "
    "cerebro kopf schadel gehirn hirn tete crane cerveau testa encefalo κεφαλη "
    "εγκεφαλ κρανιο pituitary hypofys",
    "neck": "neck hals cuello cou collo thyroid larynx τραχηλ",
    "chest": "chest thorax lung lungor pulmo heart cardiac coronary bronch mediastin "
    "thoracic torax pecho pulmon lunge brust poitrine poumon polmone θωρακ πνευμον",
    "breast": "breast breasts mamma mammo mammography brost mama senologi sein mammella μαστ",
    "abdomen": "abdomen abdominal liver kidney pancreas spleen hepat renal stomach buk "
    "bukspott lever njure higado rinon vientre leber niere bauch foie rein ventre "
    "addome fegato gallbladder bile adrenal colon κοιλια ηπατ νεφρ",
    "pelvis": "pelvis pelvic prostate prostat prostata bladder rectum rektum uterus cervix "
    "ovary hip backen bacino becken bassin vejiga recto blase λεκανη πυελ προστατ",
    "spine": "spine cspine tspine lspine vertebra lumbar sacrum rygg columna wirbel rachis ssspine",
    "limb": "knee ankle foot hand wrist elbow shoulder arm leg thigh femur tibia humerus "
    "extremity kna axel armbage handled fot rodilla hombro pie mano knie schulter "
    "genou epaule ginocchio spalla γονατ",
    "whole": "wholebody whole vertex wb helkropp ganzkorper skullbase cuerpo eyes",
}
_STEMS: Final = {word: region for region, words in _WORDS.items() for word in words.split()}
_PREFIX_FROM: Final = 6
"""Words of this many signs or more, and Greek stems, are found at the start of a longer word."""
_NEAR: Final = {
    frozenset(pair.split("-"))
    for pair in (
        "head-neck neck-chest chest-breast chest-abdomen abdomen-pelvis breast-abdomen "
        "neck-breast limb-pelvis limb-chest limb-breast"
    ).split()
}
"""Regions that one examination may well be of both of."""

ORGAN_REGIONS: Final = {
    "prostate": "pelvis",
    "breast": "breast",
    "lung": "chest",
    "colon": "abdomen",
    "rectum": "pelvis",
    "liver": "abdomen",
    "brain": "head",
    "pancreas": "abdomen",
    "kidney": "abdomen",
    "bladder": "pelvis",
    "stomach": "abdomen",
}
"""Cancer → region of its organ."""
_LEFT = re.compile(
    r"(?<![^\W_])(left|vanster|izquierd[ao]|izq|links|gauche|sinistr[ao]|sin|lt|lcc|lmlo|αριστερ\w*)(?![^\W_])"
)
_RIGHT = re.compile(
    r"(?<![^\W_])(right|hoger|derech[ao]|rechts|droite?|destr[ao]|dx|rt|rcc|rmlo|δεξι\w*)(?![^\W_])"
)
_SINGLE = re.compile(r"(?<![^\W_])([lr])[ _-]?(cc|mlo|ml|xccl|lm)(?![^\W_])")


def regions_of(text: str) -> frozenset[str]:
    """Return the regions that a text or a code names; empty when none is recognised."""
    found: set[str] = set()
    for word in re.split(r"[\W\d_]+", _plain(text)):
        if word in _STEMS:
            found.add(_STEMS[word])
        elif len(word) > _PREFIX_FROM:
            found.update(
                r
                for stem, r in _STEMS.items()
                if (len(stem) >= _PREFIX_FROM or not stem.isascii()) and word.startswith(stem)
            )
    return frozenset(found)


def are_apart(one: frozenset[str], other: frozenset[str]) -> bool:
    """Return whether no region of the one is, or lies beside, a region of the other."""
    if not one or not other or "whole" in one | other or "spine" in one | other:
        return False
    return not any(a == b or frozenset((a, b)) in _NEAR for a in one for b in other)


def side_of(text: str) -> str:
    """Return L, R, or "" when the text names no side or both."""
    plain = _plain(text)
    sides = {"L"} if _LEFT.search(plain) else set()
    if _RIGHT.search(plain):
        sides.add("R")
    sides |= {match[0].upper() for match in _SINGLE.findall(plain)}
    return sides.pop() if len(sides) == 1 else ""


def _plain(text: str) -> str:
    """Return the text without case and accents."""
    import unicodedata

    spread = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in spread if not unicodedata.combining(sign))
