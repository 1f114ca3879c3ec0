"""Names of months and week days in the languages of the reports. Pure.

Each language has one or more forms (full, genitive, short); a form has twelve names in order.
Written for this project; spellings are common knowledge (CLDR agrees on them).
"""

import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

_MONTHS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": (
        "january february march april may june july august september october november december",
        "jan feb mar apr may jun jul aug sep oct nov dec",
        "jan feb march april may june july aug sept oct nov dec",
    ),
    "sv": (
        "januari februari mars april maj juni juli augusti september oktober november december",
        "jan feb mar apr maj jun jul aug sep okt nov dec",
        "jan febr mars april maj juni juli aug sept okt nov dec",
    ),
    "de": (
        "januar februar märz april mai juni juli august september oktober november dezember",
        "jan feb mär apr mai jun jul aug sep okt nov dez",
        "jänner feber märz april mai juni juli august sept oktober nov dez",
        "jan febr mrz apr mai juni juli aug sept okt nov dez",
        "januar februar maerz april mai juni juli august september oktober november dezember",
    ),
    "es": (
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "ene feb mar abr may jun jul ago sep oct nov dic",
        "enero febrero marzo abril mayo junio julio agosto setiembre octubre noviembre diciembre",
        "ene febr mzo abr may jun jul agto sept oct nov dic",
    ),
    "el": (
        "Ιανουάριος Φεβρουάριος Μάρτιος Απρίλιος Μάιος Ιούνιος Ιούλιος Αύγουστος Σεπτέμβριος "
        "Οκτώβριος Νοέμβριος Δεκέμβριος",
        "Ιανουαρίου Φεβρουαρίου Μαρτίου Απριλίου Μαΐου Ιουνίου Ιουλίου Αυγούστου Σεπτεμβρίου "
        "Οκτωβρίου Νοεμβρίου Δεκεμβρίου",
        "Ιανουάριο Φεβρουάριο Μάρτιο Απρίλιο Μάιο Ιούνιο Ιούλιο Αύγουστο Σεπτέμβριο Οκτώβριο "
        "Νοέμβριο Δεκέμβριο",
        "Ιαν Φεβ Μαρ Απρ Μαΐ Ιουν Ιουλ Αυγ Σεπ Οκτ Νοε Δεκ",
        "Ιαν Φεβρ Μαρτ Απρ Μαΐ Ιούν Ιούλ Αυγ Σεπτ Οκτ Νοεμ Δεκ",
    ),
    "fr": (
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "janv févr mars avr mai juin juil août sept oct nov déc",
        "jan fév mar avr mai jun jul aou sep oct nov déc",
    ),
    "it": (
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre "
        "dicembre",
        "gen feb mar apr mag giu lug ago set ott nov dic",
    ),
    "nl": (
        "januari februari maart april mei juni juli augustus september oktober november december",
        "jan feb mrt apr mei jun jul aug sep okt nov dec",
    ),
    "pl": (
        "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października "
        "listopada grudnia",
        "styczeń luty marzec kwiecień maj czerwiec lipiec sierpień wrzesień październik "
        "listopad grudzień",
        "sty lut mar kwi maj cze lip sie wrz paź lis gru",
    ),
    "fi": (
        "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta "
        "syyskuuta lokakuuta marraskuuta joulukuuta",
        "tammikuu helmikuu maaliskuu huhtikuu toukokuu kesäkuu heinäkuu elokuu syyskuu lokakuu "
        "marraskuu joulukuu",
        "tammikuussa helmikuussa maaliskuussa huhtikuussa toukokuussa kesäkuussa heinäkuussa "
        "elokuussa syyskuussa lokakuussa marraskuussa joulukuussa",
    ),
    "da": (
        "januar februar marts april maj juni juli august september oktober november december",
        "jan feb mar apr maj jun jul aug sep okt nov dec",
    ),
    "no": (
        "januar februar mars april mai juni juli august september oktober november desember",
        "jan feb mars apr mai juni juli aug sep okt nov des",
    ),
    "pt": (
        "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
        "jan fev mar abr mai jun jul ago set out nov dez",
    ),
    "cs": (
        "ledna února března dubna května června července srpna září října listopadu prosince",
        "leden únor březen duben květen červen červenec srpen září říjen listopad prosinec",
    ),
    "sk": (
        "januára februára marca apríla mája júna júla augusta septembra októbra novembra decembra",
    ),
    "hu": (
        "január február március április május június július augusztus szeptember október november "
        "december",
    ),
    "ro": (
        "ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie "
        "decembrie",
    ),
    "hr": (
        "siječnja veljače ožujka travnja svibnja lipnja srpnja kolovoza rujna listopada studenoga "
        "prosinca",
    ),
    "sl": (
        "januarja februarja marca aprila maja junija julija avgusta septembra oktobra novembra "
        "decembra",
    ),
    "bg": ("януари февруари март април май юни юли август септември октомври ноември декември",),
    "lt": (
        "sausio vasario kovo balandžio gegužės birželio liepos rugpjūčio rugsėjo spalio lapkričio "
        "gruodžio",
    ),
    "lv": (
        "janvāris februāris marts aprīlis maijs jūnijs jūlijs augusts septembris oktobris "
        "novembris decembris",
        "janvārī februārī martā aprīlī maijā jūnijā jūlijā augustā septembrī oktobrī novembrī "
        "decembrī",
    ),
    "et": (
        "jaanuar veebruar märts aprill mai juuni juuli august september oktoober november "
        "detsember",
    ),
}
_WEEKDAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": (
        "monday tuesday wednesday thursday friday saturday sunday",
        "mon tue wed thu fri sat sun",
        "mon tues wed thurs fri sat sun",
    ),
    "sv": (
        "måndag tisdag onsdag torsdag fredag lördag söndag",
        "måndagen tisdagen onsdagen torsdagen fredagen lördagen söndagen",
        "mån tis ons tors fre lör sön",
    ),
    "de": (
        "montag dienstag mittwoch donnerstag freitag samstag sonntag",
        "mo di mi do fr sa so",
    ),
    "es": (
        "lunes martes miércoles jueves viernes sábado domingo",
        "lun mar mié jue vie sáb dom",
    ),
    "el": (
        "Δευτέρα Τρίτη Τετάρτη Πέμπτη Παρασκευή Σάββατο Κυριακή",
        "Δευ Τρι Τετ Πεμ Παρ Σαβ Κυρ",
    ),
    "fr": ("lundi mardi mercredi jeudi vendredi samedi dimanche",),
    "it": ("lunedì martedì mercoledì giovedì venerdì sabato domenica",),
    "nl": ("maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",),
    "pl": ("poniedziałek wtorek środa czwartek piątek sobota niedziela",),
    "fi": (
        "maanantai tiistai keskiviikko torstai perjantai lauantai sunnuntai",
        "maanantaina tiistaina keskiviikkona torstaina perjantaina lauantaina sunnuntaina",
        "ma ti ke to pe la su",
    ),
    "da": (
        "mandag tirsdag onsdag torsdag fredag lørdag søndag",
        "man tir ons tor fre lør søn",
    ),
    "pt": ("segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo",),
}
JA_WEEKDAYS: Final = "月火水木金土日"
_HINTS: Final[Mapping[str, frozenset[str]]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": "the of and with on from was no compared since dated prior study at follow up",
        "sv": "den och med från vid jämfört ej inga för är på till ingen av undersökning",
        "de": "der die das und mit vom am den im nicht kein keine zum ist untersuchung vor",
        "es": "de del el la los con sin en y por se fecha comparado",
        "fr": "le la les du des avec sans et en au une par le comparé est",
        "it": "il la di del della con senza e in per non nel dal",
        "nl": "de het een van met geen op en niet bij is voor",
        "pl": "z w i na dnia do bez od nie oraz roku",
        "da": "og med fra ved ikke af den til er ingen efter på undersøgelse",
        "no": "og med fra ved ikke av den til er ingen etter på undersøkelse ble",
        "pt": "de do da o a com sem em e no na os dia",
        "ro": "de la cu din si fara pe in",
        "sk": "a s na z bez od do pri",
        "sl": "in z na od brez pri dne",
        "hr": "i s na od bez pri dana",
        "cs": "a s na z bez od do pri dne",
        "et": "ja on ei ning",
        "lv": "un ar no bez",
        "hu": "a az es nem",
    }.items()
}
"""Small words by which a language shows itself, where a month is written alike in several."""


class Name(NamedTuple):
    """One meaning of a word: which language and form, and which of its names (from 0)."""

    language: str
    form: int
    number: int


def folded(word: str) -> str:
    """Return a word without case and accents; final sigma is sigma."""
    plain = unicodedata.normalize("NFKD", word.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c)).replace("ς", "σ")


def _table(source: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[Name, ...]]:
    found: dict[str, list[Name]] = {}
    for language, forms in source.items():
        for form, names in enumerate(forms):
            for number, name in enumerate(names.split()):
                found.setdefault(folded(name), []).append(Name(language, form, number))
    return {word: tuple(names) for word, names in found.items()}


MONTH_WORDS: Final = _table(_MONTHS)
"""Folded name → its meanings."""
WEEKDAY_WORDS: Final = _table(_WEEKDAYS)
_FULL: Final = {word for word, names in MONTH_WORDS.items() if any(n.form == 0 for n in names)}
_OTHER_WORDS: Final = frozenset({"may", "mars", "set", "out", "mar", "mai", "dec", "lis", "lip"})


def stands_alone(word: str) -> bool:
    """Say whether a word is a month also where no year follows ("12 march", not "5 may be")."""
    plain = folded(word)
    return plain in _FULL and (plain not in _OTHER_WORDS or plain == "mars" or word[:1].isupper())


def best(names: Iterable[Name], text: str, also: str = "") -> Name:
    """Return the meaning whose language the text seems to have; the first when none shows."""
    every = tuple(names)
    if len({name.language for name in every}) == 1:
        return every[0]
    around = _words_of(text[:2000])
    joints = set(also.split())
    return max(
        every,
        key=lambda n: (
            len(_HINTS.get(n.language, frozenset()) & around)
            + 3 * len(_HINTS.get(n.language, frozenset()) & joints)
        ),
    )


@lru_cache(16)
def _words_of(text: str) -> frozenset[str]:
    return frozenset(folded(text).replace(".", " ").replace(",", " ").split())


def month_like(name: Name, month: int, like: str) -> str:
    """Return the name of a month (1..12) in the language, form and case of `like`."""
    return _cased(_MONTHS[name.language][name.form].split()[month - 1], like)


def weekday_like(name: Name, weekday: int, like: str) -> str:
    """Return the name of a week day (0 = Monday) in the language, form and case of `like`."""
    return _cased(_WEEKDAYS[name.language][name.form].split()[weekday], like)


def _cased(word: str, like: str) -> str:
    if like.isupper() and len(like) > 1:
        return word.upper()
    if like[:1].isupper():
        return word[:1].upper() + word[1:]
    return word.lower()
