r"""Post codes with the evidence that they are one, and addresses that only their order shows. Pure.

A post code alone is a number. It goes with a country's letters before it (SE-747 40), after a word
for it (postnr, PLZ, ZIP), in the form that only one country has (D08 K3T6, 3810-193 Aveiro),
after a word for home or address, and as the middle of "name number, code town". A number with a
unit, and a year, is none. Forms: Universal Postal Union, addressing of the member countries.
"""
# ruff: noqa: E501 -- word lists inside expressions

import re
from collections.abc import Iterator
from typing import Final

from tessera.domain.deid.text.expression import Expression
from tessera.domain.deid.text.found import Found

__all__ = ["LEVEL", "NAME", "NUMBER", "PLACE", "UPPER", "find_post_codes"]

UPPER: Final = r"[A-ZÀ-ÖØ-ÞŁŚŻŹĆŃŐŰŠŽČŘĚŮĽĎŤŇĀĒĪŪĢĶĻŅĄĘĖĮŲȘȚŞŢĂĐΑ-ΩΆΈΉΊΌΎΏА-Я]"
NAME: Final = rf"{UPPER}[^\W\d_]+"
NUMBER: Final = (
    r"\d{1,4}(?:[ ]?[A-Za-z](?![^\W_]))?(?:(?:[ ]?[-/][ ]?\d{1,3}[A-Za-z]?){1,3}|-[A-Za-z](?![^\W_]))?"
    r"(?![\d.,]\d|\d|[ ]?(?:mm|cm|ml|mg|kg|ms|kv|gy|mbq|hu|%|x|°|min|fr|mm²|cc|hz|g|mL)(?![^\W\d_]))"
)
"""A house number, and no measure."""
LEVEL: Final = (
    r"(?:[ ]\d{1,3}(?=[,;\n]|$))?(?:\.?[ ,/]{1,2}(?:"
    r"(?i:lgh|lght|våning|vån|vn|étage|piso|ap|apt|apto|appt|flat|suite|unit|st|m\.|rum|as|bst|bus|bte|boîte|"
    r"top|stiege|tür|whg|wohnung|int|interno|scala|sc|piano|piętro|em|emelet|et|etaj|bl|byt|kor|krt|dz|but[ai]s|ет|ап|вх|бл)"
    r"[ .:]{0,2}(?:\d{1,4}[A-Za-z]?|[A-Z]\d{0,3})(?![^\W_])"
    r"|(?i:\d{1,2}\.?[ ]?(?:tr|sal|etg|etasje|og|stock|stk|krs|kerros|vån|floor|όροφος|verdieping|ème étage|e étage|piętro|emelet|nadstropje)\.?(?![^\W_]))"
    r"|(?i:(?:\d{1,2}|st|kl)\.?,?[ ](?:tv|th|mf)\.?(?![^\W_]))"
    r"|[IVX]{1,4}\.?[ ]?(?:em|emelet|piętro)\.?(?:[ ]\d{1,3}(?!\d))?"
    r"|(?:EG|Erdgeschoss|UG|DG|R/C|rdc|bajo|bj|ισόγειο)(?![^\W_])"
    r"|\d{1,2}\.?[ ]?[ºª°](?:[ -]?(?:[A-Z]|[Dd]cha|[Ii]zq(?:da)?|[Ee]sq|[Dd]to|[Ff]te)\.?(?![^\W_]))?"
    r")){0,4}"
)
"""The floor, the door and the flat."""
PLACE: Final = (
    rf"{NAME}(?:[ -](?:am|an der|an der|sur|del|de|la|le|den|upon|i|pod|nad|nad)?[ -]?{NAME}){{0,2}}"
    r"(?:[ ](?:\d{1,2}|[A-ZØ])(?![\w]|[.,]\d))?"
)
_NO_TOWN: Final = Expression(
    r"(?:counts?|cts|hz|khz|mhz|kv|mv|frames?|images?|bild\w*|slices?|snitt|schicht\w*|imágenes|imagenes|cortes?|coupes?|zell\w*|cells?|celler|"
    r"units?|ie|einheiten|enheter|hounsfield|gauss|grad|schläge|slag|beats?|schritte|steps?|steg|ereignisse|events?|"
    r"patient\w*|fälle|cases?|tage|days?|dagar|stunden|hours?|mal|volumes?|voxels?|pixels?|serie[sn]?|scans?|kopien|"
    r"ct|mr|mrt|mri|pet|us|xr|dx|rx|siemens|philips|ge|toshiba|canon|hitachi|uhr|becquerel|gray|hertz|volts?|"
    r"sequen\w*|protokoll\w*|protocol\w*|thorax|abdomen|kontrast\w*|leuko\w*|thrombo\w*|ery\w*|zyklen|cycles?)(?![^\W_])",
    re.IGNORECASE,
)
"""What follows a count and is no town."""
_NO_STREET: Final = frozenset(
    "serie series serien sarja bild image images im img bilder segment seg phase fas grad grade score level step frame"
    " slice snitt schicht scan patient nr no num tag day dag woche week vecka zyklus cycle cykel gleason stadium stage"
    " typ type dosis dose dos fall case raum room rum kanal channel echo matrix birads pirads lirads psa asa ecog te tr"
    " ti fov suv crp hb figure fig tabelle table part teil del version vers station gerät kv ma mas filter kernel flip gradient angle winkel vinkel"
    " jan feb mar apr may maj mai jun jul aug sep sept oct okt nov dec dez januari februari mars april juni juli"
    " augusti september oktober november december januar februar märz august dezember january february march june july"
    " october enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre".split()
)
_CODE: Final = (
    r"(?:\d{3}[ ]\d{2}|\d{2}-\d{3}|\d{4}-\d{3}|\d{5}|[1-9]\d{3}[ ]?[A-Z]{2}(?![^\W_])|(?!(?:19|20)\d\d)\d{4})"
    r"(?![\d.,]?\d)"
)
"""Codes of numbers in Europe; four digits that may be a year are left out."""
_COUNTRY: Final = (
    r"(?:SE|S|DE|D|DK|NO|N|FI|FIN|AT|A|CH|FL|LI|BE|B|FR|F|ES|E|IT|I|PL|GR|NL|LU|L|CZ|SK|SI|HR|PT|P|RO|BG|HU|H|LT|LV|EE|"
    r"EST|IS|CY|MT|GB|UK|US|USA|AX|JP)"
)
_PREFIXED = Expression(
    r"(?<![^\W_])(?:"
    r"(?:SE|GR|CZ|SK)-\d{3}[ ]?\d{2}|S-\d{3}[ ]\d{2}|PL-\d\d-\d{3}|PT-\d{4}-\d{3}|NL-\d{4}[ ]?[A-Z]{2}(?![^\W_])|"
    r"(?:DE|FR|ES|IT|FI|FIN|HR|EE|EST|LT|AX)-\d{5}|(?:AT|BE|BG|CH|CY|DK|HU|LI|FL|LU|LV|SI)-\d{4}|RO-\d{6}|"
    rf"(?:[ADFEI]-\d{{4,5}}|[HLNP]-\d{{4}}|NO-\d{{4}}|IS-\d{{3}})(?=[ ]{NAME})"
    rf")(?![\d.,]?\d)(?![ ]?(?:mm|ms|s|Gy|HU)(?![^\W\d_]))(?:,?[ ](?P<town>{PLACE}))?"
)
_LABELLED = Expression(
    r"(?<![^\W_])(?i:post-?(?:nr|nummer|nr\.|code|kod|leitzahl|inumero|adress)|post[ ]code|postal[ ]code|zip(?:[ -]?code)?|"
    r"plz|eircode|(?:code|cod|codice|kod|cód\.?|código|codigo)[ ](?:postal|postale|poștal|pocztowy|poçtal)|psč|psc|irsz|irányítószám|"
    r"poštanski broj|poštna št(?:evilka)?|indeks(?:as|s)?|pašto kodas|pasta indekss|póstnúmer|c\.?p\.?|c\.?a\.?p\.?|"
    r"τ\.?[ ]?κ\.?|ταχ(?:υδρομικός)?\.?[ ]κώδ(?:ικας)?|пощенски код)[ .:=#]{1,3}(?:nr|no)?[ .:]{0,2}"
    rf"(?P<a>(?:{_COUNTRY}-)?(?:{_CODE}|(?:19|20)\d\d(?=[ ]{NAME})|[A-Z]{{3}}[ ]?\d{{4}}|[A-Z]{{1,2}}\d[\dA-Z]?[ ]?\d[A-Z]{{2}}|\d{{6}}|\d{{3}}-\d{{4}})"
    rf"(?![\d.,]?\d)(?![ ]?(?:mm|cm|ml|ms|s|Gy|HU|%)(?![^\W\d_]))(?:,?[ ]{PLACE})?)"
    r"|郵便番号[ 　:：]{0,2}(?P<b>[\d０-９]{3}[-－ー‐]?[\d０-９]{4})"
)
_REST: Final = (
    rf"(?:,?[ ](?i:nr|no|št|br|č|n[º°])\.?)?[ ]{NUMBER}{LEVEL}(?:\.?[ ]?[,;/][ \n]{{0,2}}|[ ]?\n|[ ])(?:{_COUNTRY}-)?"
    rf"(?:{_CODE}|\d{{6}}(?!\d)|[1-9]\d\d(?=[ ](?:Reykj|Kópa|Hafn|Akur|Garð|Mosf|Self|Kefl))),?[ ](?P<town>{PLACE})"
)
_IN_LOWER_ORDER = Expression(  # Karl Johans gate 31, 0159 Oslo; Slovenska cesta 9, 1000 Ljubljana
    rf"(?<![^\W_])(?:{NAME}[ -]){{1,3}}(?!(?:in|im|i|de|la|el|och|und|and|y|e|et|u|per|av|af|of|von|mit|med|with|con)[ ])"
    rf"(?P<last>(?!{UPPER})[^\W\d_]{{1,12}})\.?{_REST}"
)
_HUNGARIAN = Expression(  # 1051 Budapest, Kossuth Lajos tér 3
    rf"(?<![^\W_])(?:{NAME}[ ]){{1,3}}(?:utca|út|útja|tér|tere|krt\.|körút|köz|sétány|fasor|rakpart)[ ]{NUMBER}{LEVEL}"
)
_MALTESE = Expression(
    rf"(?<![\w.,])\d{{1,4}}[A-Z]?,?[ ](?:Triq|TRIQ)[ ][^\W\d_][\w'-]{{1,20}}(?:[ ]{NAME}){{0,2}}"
    r"|(?:(?<=[a-zà-ż][ ])|(?<=[a-zà-ż],[ ]))(?:VLT|SLM|MSD|BKR|QRM|STJ|SPB|ATD|MST|NXR|ZBR|FGR|HMR|LQA|MLH|MQB|PLA|RBT|SGN|SVR|SWQ|TXN|VCT|XRA|ZTN|ZRQ)[ ]\d{4}(?![\w.,]\d|\w)"
)
_IN_ORDER = Expression(  # Tallbacken 27, 747 40 Knivsta; Am Alten Hof 5, 2. OG, 72070 Tübingen
    rf"(?<![^\W_])(?P<street>(?:(?:^|(?<=[,;:(.\n])|(?<=[,;:(.\na-zåäöøæüéłčěą][ ]))(?!(?i:wohn|anschr|adr|addr|dom|διεύθ|κατοικ|κάτοικ|bo[rs]|lives|resid|viv|reside|indir|osoit|pat)\w*)"
    rf"{NAME}[ ])?(?:(?:Am|Im|An|Auf|In|Zum|Zur|Unter|Stora|Lilla|Norra|Södra|Östra|Västra|Gamla|Nya|Gammel|Store|"
    r"Lille|Øvre|Nedre|Sankt|St|Alte[nrs]?|Neue[nrs]?|Van|De|Het|Den|'t)\.?[ ](?:de[rmn][ ])?){0,2}"
    rf"(?:{NAME}-){{0,3}}(?P<last>{NAME})\.?){_REST}"
)
_HOME = Expression(
    r"(?<![^\W_])(?i:bor|bosatt|boende|bostad|bopæl|bosted|wohnt|wohnhaft|wohnh|anschrift|lives|living|residing|resides|resident|"
    r"address|addr|adress|adresse|adres|adresa|adresas|adrese|aadress|adr|domicilio|dom|vive|reside|domicili[ée]e?|domicile|habite|"
    r"habitant|demeurant|vit|abita|residente|residenza|indirizzo|mora|morada|woont|woonachtig|wonende|asuu|osoite|os|zam|"
    r"zamieszkał[ya]|mieszka|lakcím|lakik|bydliště|bytem|domiciliat[ăa]?|dzīvo|gyvena|heimili|elukoht|stanuje|prebiva|"
    r"διεύθυνση|δ/νση|κατοικία|κάτοικος|κατοικεί|διεύθ)(?:[.: ]{1,3}(?i:på|i|in|en|at|a|à|au|in der|am|στην|στη|στο|op|te|w|ul\.?|v|na|c/o)?[ ]?){1,2}"
    rf"(?P<a>(?:{NAME}\.?[ ,-]{{1,2}}){{1,4}}{NUMBER}{LEVEL}(?:[ ,;\n]{{1,2}}(?:{_COUNTRY}-)?{_CODE}(?:,?[ ]{PLACE})?)?"
    rf"|[^\W\d_]{{3,}}(?:gatan|vägen|gata|väg|gränd|torget|stigen|straße|strasse|str\.|gasse|platz|vej|gade|veien|gata|straat|laan|katu|tie)[ ]{NUMBER}{LEVEL}"
    rf"|(?:{_COUNTRY}-)?{_CODE}[ ]{PLACE})"
)
_EIRCODE = Expression(
    r"(?<![^\W_])(?:A4[125]|A6[357]|A75|A8[1-6]|A9[1-468]|C15|D(?:0[1-9]|1[0-8]|2[024]|6W)|E(?:21|25|32|34|41|45|53|91)|"
    r"F(?:12|23|26|28|31|35|42|45|52|56|9[1-4])|H(?:12|14|16|18|23|53|54|62|65|71|91)|K(?:32|34|36|45|56|67|78)|"
    r"N(?:37|39|41|91)|P(?:12|14|17|24|25|31|32|36|43|47|51|56|61|67|72|75|81|85)|R(?:14|21|32|35|42|45|51|56|93|95)|"
    r"T(?:12|23|34|45|56)|V(?:14|15|23|31|35|42|92|93|94|95)|W(?:12|23|34|91)|X(?:35|42|91)|Y(?:14|21|25|34|35))"
    r"[ ]?(?=[0-9A-Z]{0,3}[A-Z])(?=[0-9A-Z]{0,3}\d)[0-9AC-FHKNPRTV-Y]{4}(?![^\W_])"
)
_PORTUGUESE = Expression(rf"(?<![\w.,/-])\d{{4}}-\d{{3}},?[ ]{PLACE}")
_POLISH = Expression(
    rf"(?:^|(?<=[,;\n])|(?<=[,;\n][ ]))\d\d-\d{{3}}[ ](?P<town>{PLACE})(?=[ ]*(?:$|[.,;)\n]))"
)
_DUTCH = Expression(
    rf"(?<![\w.,/-])[1-9]\d{{3}}[ ]?(?!SA|SD|SS|CT|MR|US|PT|NM|MG|XR|CR|DX|DR|RF|XA|SR|TE|TR|TI|KV|MA|HU|ML|MM|CM|GY|MS|HZ|KG|IV|PO|"
    rf"IM|AP|PA|LL|RL|CC|LM|RM|ST|SE|GE|EP|FS|ES|RX|TC|IU|IE|IN|OP|ED|ER|HR|PM|AM|BP|II|VI|XI)[A-Z]{{2}}[ ]{{1,2}}(?P<town>{PLACE})"
)
_ICELANDIC = Expression(
    r"(?<![\w.,/-])[1-9]\d\d[ ](?:Reykjavík|Reykjavik|Kópavog|Hafnarfj|Akureyri|Garðabæ|Mosfellsbæ|Selfoss|Keflavík|Reykjanesbæ|"
    r"Akranes|Ísafj|Egilsst|Vestmannaey)\w*"
)
_LONDON = Expression(
    r"(?<![^\W_])(?:London|Birmingham|Glasgow|Liverpool|Manchester|Sheffield|LONDON|BIRMINGHAM|GLASGOW|LIVERPOOL|"
    r"MANCHESTER|SHEFFIELD),?[ \n]{1,2}(?P<a>(?:EC|WC|SE|SW|NW|[BEGLMNSW])\d[\dA-Z]?[ ]?\d[ABD-HJLNP-UW-Z]{2})(?![^\W_])"
)
_ZIP_4 = Expression(
    r"(?<![^\W_])(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY])"
    r"[ ]\d{5}-\d{4}(?![\w-])"
)
_JAPANESE = Expression(  # 青葉通3-2-1, 983-0841 霞台市
    r"(?:[一-龥ぁ-んァ-ヶー]{1,10}[\d０-９]{1,4}(?:[-－ー‐][\d０-９]{1,4}){1,2}[,、 　]{1,3})?(?:〒[ 　]?)?(?<![\d０-９-])"
    r"[\d０-９]{3}[-－ー‐][\d０-９]{4}[ 　]{0,2}[一-龥]{1,4}[都道府県市区郡]"
)

_PLAIN: Final = (
    (_EIRCODE, re.compile(r"[A-Y]\d[\dW][ ]?[0-9A-Z]{4}")),
    (_PORTUGUESE, re.compile(r"\d{4}-\d{3},?[ ]")),
    (_ICELANDIC, re.compile(r"\d\d\d[ ][RKHAGMSÍEV]")),
    (_MALTESE, re.compile(r"Triq|TRIQ|[A-Z]{3}[ ]\d{4}")),
    (_HUNGARIAN, re.compile(r"[úé][tr]|tere|krt|kör|köz|utca|fasor|rakp")),
    (_LONDON, re.compile(r"\d[A-Z]{2}")),
    (_ZIP_4, re.compile(r"\d{5}-\d{4}")),
    (_JAPANESE, re.compile(r"[\d０-９][-－ー‐][\d０-９]{4}[ 　]{0,2}[一-龥]")),
)
"""Forms that are enough, each after a short one that must be there."""
_COUNTED: Final = (
    (_PREFIXED, re.compile(r"[A-Z]-\d\d")),
    (_POLISH, re.compile(r"\d\d-\d{3}[ ]")),
    (_DUTCH, re.compile(r"\d{4}[ ]?[A-Z]{2}[ ]")),
)
"""Forms that a count may have too: the word after them must not be one of counting."""
_DIGIT: Final = re.compile(r"\d")
_BEFORE_TOWN: Final = re.compile(rf"(?:\d\d|\d[ ]?[A-Z]{{2}}),?[ ]{UPPER}")
_HOME_WORDS: Final = tuple(
    "adr addr dom habi wohn bor bos bop liv resi osoi asuu viv vit abita indir mora woon os. zam miesz lak byt δ κατ κάτ"
    " διε dzīvo gyven heim elu stan preb ansch dem".split()
)
_LABELS: Final = tuple(
    "post zip plz eir cod kod cód psč psc irsz irány pošt indeks pašt pasta póst cp c.p cap c.a τκ τ.κ τ. ταχ пощ 郵".split()
)


def find_post_codes(text: str) -> Iterator[Found]:
    """Yield post codes with their towns, and addresses by the order of their parts."""
    if not _DIGIT.search(text):
        return
    low = text.lower()
    for pattern, may_be in _PLAIN:
        if may_be.search(text):
            for match in pattern.finditer(text):
                group: str | int = "a" if pattern is _LONDON else 0
                yield Found("place", *match.span(group), "post-code")
    for pattern, may_be in _COUNTED:
        if may_be.search(text):
            for match in pattern.finditer(text):
                if not _NO_TOWN.match(match["town"] or ""):
                    yield Found("place", *match.span(), "post-code")
    if any(map(low.__contains__, _LABELS)):
        for match in _LABELLED.finditer(text):
            yield Found("place", *match.span("a" if match["a"] else "b"), "post-code")
    if any(map(low.__contains__, _HOME_WORDS)):
        for match in _HOME.finditer(text):
            yield Found("contact", *match.span("a"), "address")
    if _BEFORE_TOWN.search(text):
        for pattern in (_IN_ORDER, _IN_LOWER_ORDER):
            for match in pattern.finditer(text):
                counted = _NO_TOWN.match(match["town"])
                if not counted and match["last"].casefold() not in _NO_STREET:
                    yield Found("contact", *match.span(), "address")
