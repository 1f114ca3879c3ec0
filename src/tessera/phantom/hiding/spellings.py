"""How the same person, number and day are written in different places. Pure."""

from datetime import date

from tessera.phantom.hiding.people import Patient, ascii_form

_MONTHS = {
    "sv": "januari februari mars april maj juni juli augusti september oktober november december",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre "
    "diciembre",
    "el": "Ιανουαρίου Φεβρουαρίου Μαρτίου Απριλίου Μαΐου Ιουνίου Ιουλίου Αυγούστου "
    "Σεπτεμβρίου Οκτωβρίου Νοεμβρίου Δεκεμβρίου",
    "en": "January February March April May June July August September October November December",
}


def day_in_words(day: date, language: str, form: int) -> str:
    """`day` as people of a country write it; `form` picks one of three ways."""
    form %= 3
    if language == "ja":
        era = f"平成{day.year - 1988}年" if day.year <= 2018 else f"令和{day.year - 2018}年"
        if day.year < 1989:
            era = f"昭和{day.year - 1925}年"
        return (
            f"{day.year}年{day.month}月{day.day}日",
            f"{era}{day.month}月{day.day}日",
            f"{day:%Y/%m/%d}",
        )[form]
    month = _MONTHS[language].split()[day.month - 1]
    return {
        "sv": (
            f"{day:%Y-%m-%d}",
            f"{day.day} {month} {day.year}",
            f"{day.day}/{day.month} -{day:%y}",
        ),
        "de": (f"{day:%d.%m.%Y}", f"{day.day}. {month} {day.year}", f"{day:%d.%m.%y}"),
        "es": (f"{day:%d/%m/%Y}", f"{day.day} de {month} de {day.year}", f"{day:%d-%m-%Y}"),
        "el": (f"{day:%d/%m/%Y}", f"{day.day} {month} {day.year}", f"{day:%d.%m.%Y}"),
        "en": (
            f"{day:%d/%m/%Y}",
            f"{day.day} {month[:3]} {day.year}",
            f"{month} {day.day}, {day.year}",
        ),
    }[language][form]


def name_spellings(patient: Patient) -> tuple[str, ...]:
    """The patient's name in every order, case and alphabet used in the corpus."""
    family, given = patient.family, patient.given
    low_family, low_given = patient.romaji
    if patient.language == "ja":
        kana_family, kana_given = patient.kana
        whole = [f"{family}{given}", f"{family} {given}", f"{kana_family}{kana_given}"]
        whole += [f"{kana_family} {kana_given}"]
    else:
        whole = [f"{given} {family}", f"{family}, {given}", f"{family} {given}"]
    whole += [
        f"{low_family.upper()} {low_given.upper()}",
        f"{low_given} {low_family}",
        f"{low_family}_{low_given}".replace(" ", "_"),
        f"{low_given[0]}. {low_family}",
        f"{low_family}^{low_given}",
    ]
    if patient.language != "ja":
        whole += [f"{family}^{given}", f"{family.upper()} {given.upper()}"]
    return tuple(dict.fromkeys(whole))


def genitive(patient: Patient) -> str:
    """The family name as owner: Qvarnfeldts, Ravenscroft's; else the name itself."""
    family = patient.family
    if patient.language in ("sv", "de"):
        return family if family.endswith(("s", "ß", "x")) else family + "s"
    return family + "'s" if patient.language == "en" else family


def spoken(pn: str, language: str) -> str:
    """How a text names the person of a PN value: Dr Solveig Rosenqviller; 早水宗一."""
    groups = pn.split("=")
    if language == "ja" and len(groups) > 1:
        return groups[1].replace("^", "")
    family, given, *_ = (*groups[0].split("^"), "")
    return f"{given} {family}".strip()


def name_parts(pn: str) -> tuple[str, ...]:
    """Family and given name of every component group, and the same without marks."""
    parts = []
    for group in pn.split("="):
        for part in group.split("^")[:2]:
            parts += [part, ascii_form(part)]
    return tuple(dict.fromkeys(p for p in parts if len(p) > 1))
