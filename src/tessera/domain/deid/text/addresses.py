"""Streets, post codes with places, and post boxes in running text. Pure.

A street is a street word of one of the languages with a name and a number in the order of its
country. A post code alone is only a number: it is found with its country's letter, after a street,
after a word for address, or before the name of a large town.
"""
# ruff: noqa: E501 -- word lists inside expressions

import re
from collections.abc import Iterator
from typing import Final

from tessera.domain.deid.text.expression import Expression
from tessera.domain.deid.text.found import Found
from tessera.domain.deid.text.months import folded
from tessera.domain.deid.text.postcodes import LEVEL, NAME, NUMBER, PLACE, UPPER, find_post_codes

_COMPOUND = (
    r"gatan|gata|vägen|väg|gränd|gränden|torget|stigen|allén|backen|kajen|esplanaden|gade|"
    r"gaden|vej|vejen|stræde|torvet|veien|veg|vegen|gaten|straße|strasse|str|weg|platz|allee|"
    r"gasse|ufer|chaussee|straat|laan|plein|gracht|dijk|katu|ntie|kuja|"
    r"polku|utca|ulica|iela|gatve|tänav|götu|"
    r"slingan|stråket|brinken|svängen|backarna|vænget|toften|svingen|raitti|singel|dreef|steeg|steig"
)
"""Endings that words of medicine have not: no -ring, -plan, -gate, -kade."""
_CAPITALS = r"GATAN|GATA|VÄGEN|VÄG|GRÄND|TORGET|STIGEN|GADE|VEJ|VEIEN|STRASSE|STRAßE|STR|WEG|PLATZ|ALLEE|GASSE|STRAAT|LAAN|KATU|KUJA"
_PATIENT_WAYS: Final = Expression(
    r"(?:luft|gall|urin|andnings|nerv|atem|gallen|harn|lymf|lymph|blod|tår|hals|led|utförs|inflytnings|"
    r"aorta|hjärt|tids|fod|mave|syn|hør|lede|puls|injektions|tilgangs|transport|infarkt|skanne|ruts?|"
    r"resonans|raster|bein|stamm|kipp|tabell|scan|virtsa|sappi|hengitys|höger|vänster|mid|sido|over|"
    r"vulval?|mitral|klaff|anulo|annular|o|kettle|iris|sto|stent)$"
)
_AFTER_NAME = Expression(  # Storgatan 5, Bahnhofstr. 12, Keizersgracht 100
    rf"(?<![^\W_])(?P<name>(?:{NAME}[ -]){{0,2}}{UPPER}?[^\W\d_]+?)(?P<word>{_COMPOUND}|{_CAPITALS})\.?[ ]{NUMBER}{LEVEL}"
)
_SPACED_NAME = Expression(  # Göteborgs väg 5, Am Alten Markt 3, Fredrik Bajers Vej 7
    rf"(?<![^\W_])(?:{NAME}[ -]){{1,3}}(?i:{_COMPOUND})\.?[ ]{NUMBER}{LEVEL}"
)
_ENGLISH = Expression(
    rf"(?<![\w.,])(?:(?:Flat|Apt|Unit|Suite)\.?[ ]\d+[A-Z]?,?[ ])?\d{{1,5}}[A-Za-z]?,?[ ](?:{NAME}[ ]){{1,3}}"
    r"(?:Street|St\.?|Road|Rd\.?|Avenue|Ave\.?|Lane|Ln\.?|Drive|Dr\.|Square|Sq\.?|Close|Way|Boulevard|"
    r"Blvd\.?|Terrace|Crescent|Court|Ct\.|Place|Gardens|Grove|Hill|Parade|Mews|Highway|Parkway|"
    rf"STREET|ROAD|AVENUE|LANE|DRIVE)(?![^\W_]){LEVEL}"
)
_FRENCH = Expression(
    r"(?<![\w.,])\d{1,4}(?:[ ]?(?:bis|ter|[A-D]))?,?[ ](?i:rue|avenue|av\.|boulevard|bd\.?|place|chemin|"
    r"impasse|allée|allées|quai|cours|route|square|passage)[ ](?:(?:de|du|des|la|le|les|et|l'|d')[ ]?)"
    rf"{{0,3}}{NAME}(?:[ -](?:(?:de|du|des|la|le|les)[ ]){{0,2}}{NAME}){{0,3}}"
)
_SOUTHERN = Expression(  # Calle Mayor 5, Via Roma 12, Rua do Ouro, 3, ul. Długa 7, Λεωφ. Κηφισίας 12
    r"(?<![^\W_])(?:(?i:calle|avenida|avda\.?|avd\.|plaza|plza\.?|paseo|pº|camino|carretera|ctra\.?|ronda|"
    r"travesía|urbanización|urb\.|rua|travessa|largo|praça|estrada|alameda|viale|piazza|piazzale|corso|"
    r"vicolo|strada|ul\.|ulica|al\.|pl\.|os\.|οδός|οδού|οδο|λεωφόρος|λεωφόρου|λεωφ\.?|πλατεία|πλατείας|"
    r"plac|aleja|aleje|utca|strada|bulevardul|náměstí|улица|ул\.|бул\.)|C/|Via|Rue|Avenue|Boulevard|Av\.|Calea|Șos\.|Splaiul|Piața)"
    r"[ ]?(?:(?i:de|du|des|le|les|del|la|el|los|las|do|da|dos|das|della|dei|di|"
    rf"san|sankt|alten|neuen|των|του|της|αγίου|αγίας)[ ]){{0,3}}{NAME}\.?(?:[ -](?:(?:de|del|la|y|e|do|da)[ ])"
    rf"{{0,2}}{NAME}\.?){{0,3}}(?:,?[ ](?:n[º°.]?[ ]?|nr[ .]?|αρ\.?[ ]?)?{NUMBER}|[ ]s/n)"
    rf"{LEVEL}"
    r"(?:[ ]m\.[ ]?\d+|/\d+)?"
)
_GREEK_BARE = Expression(  # Διεύθυνση: Ερμού 12
    rf"(?i:διεύθυνση|δ/νση|κατοικία|κάτοικος|adress|address|adresse|dirección|domicilio|domicile|indirizzo|"
    rf"osoite|adres|morada|bostad|wohnhaft|boende|bor|bopæl|bosatt)(?:[ .:]|[ ](?i:på|in|en|i|at))"
    rf"{{1,3}}(?P<a>(?:{NAME}[ ,-]{{1,2}}){{1,4}}{NUMBER}(?:[ ,]{{1,2}}[\d -]{{4,6}}(?:[ ]{NAME}){{0,2}})?)"
)
_JAPANESE = Expression(
    r"(?:(?:北海道|東京都|(?:大阪|京都)府|[一-龥]{2,3}県))?(?:[一-龥ぁ-んァ-ヶー]{1,8}[市区郡町村]){1,3}"
    r"[一-龥ぁ-んァ-ヶー]{0,10}[ 　]?[\d０-９一二三四五六七八九十]{1,4}(?:丁目|番地|番|号|[-－ー‐の])"
    r"(?:[\d０-９一二三四五六七八九十]{1,4}(?:丁目|番地|番|号|[-－ー‐の])?){0,3}"
    r"(?:[ 　]?[一-龥ァ-ヶーぁ-ん]{1,14}[ 　]?[\d０-９]{1,4}号室?)?"
    r"|(?:北海道|東京都|(?:大阪|京都)府|[一-龥]{2,3}県)[一-龥ぁ-んァ-ヶー]{1,8}[市区郡町村](?:[一-龥]{1,6}[区町村])?"
)
_BOX = Expression(
    r"(?<![^\W_])(?:P\.?[ ]?O\.?[ ]?Box|PO Box|Postfach|Postboks|Postbus|Postbox|Apartado(?: de correos)?|"
    r"Apdo\.?|Casilla|Caixa Postal|B\.?P\.(?=[ ]\d{2,})|Casella postale|Skrytka pocztowa|Boîte postale|"
    r"CS(?=[ ]\d{5}(?!\d))|Skr(?:ytka|\.)[ ]poczt(?:owa|\.)|Pf\.(?=[ ]\d{1,4},)|Ταχ\. ?Θυρ\.|Poste restante|Τ\.Θ\.|ΤΘ|Ταχ(?:υδρομική)?\.? ?θυρίδα|PL(?=[ ]\d{1,4},)|Box(?=[ ]\d{2,5},))[ ]?\d{1,6}(?:[ ]\d\d(?!\d|[.,]\d)){0,2}"
    r"|私書箱[ 　]?(?:第)?[\d０-９]+号?"
)
_CODE = r"(?:\d{3}[ ]\d{2}|\d{2}-\d{3}|\d{5}|\d{4}[ ]?[A-Z]{2}(?![^\W_])|\d{4}-\d{3}|\d{4})"
_CODED = Expression(
    rf"(?<![^\W_])(?:S(?=-\d{{3}}[ ]\d\d)|SE|DE|DK|NO|FI|FIN|AT|CH|BE|FR|ES|IT|PL|GR|NL|LU|CZ|SK|SI|HR|PT|RO|BG|"
    rf"HU|LT|EE|IS|IE|CY|MT|LV)-{_CODE}[ ]{PLACE}|(?<![^\W_])(?:(?:SE|LT)-\d{{5}}|LV-\d{{4}})(?!\d)"
)
_CODE_TOWN = Expression(
    rf"(?<![\w.,/-])(?:[A-Z]{{1,2}}-)?(?:{_CODE}),?[ ](?P<town>{NAME}(?:[ -]{NAME})?)"
)
_BRITISH = Expression(
    r"(?<![^\W_])(?:(?:AB|AL|BA|BB|BD|BH|BL|BN|BR|BS|BT|CA|CB|CF|CH|CM|CO|CR|CT|CV|CW|DA|DD|DE|DG|DH|DL|DN|DT|"
    r"DY|EC|EH|EN|EX|FK|FY|GL|GU|HA|HD|HG|HP|HR|HS|HU|HX|IG|IP|IV|KA|KT|KW|KY|LA|LD|LE|LL|LN|LS|LU|ME|MK|ML|NE|"
    r"NG|NN|NP|NR|NW|OL|OX|PA|PE|PH|PL|PO|PR|RG|RH|RM|SA|SE|SG|SK|SL|SM|SN|SO|SP|SR|SS|ST|SW|SY|TA|TD|TF|TN|TQ|"
    r"TR|TS|TW|UB|WA|WC|WD|WF|WN|WR|WS|WV|YO|ZE)\d[\dA-Z]?|[BEGLMNSW]\d{2})[ ]?\d[ABD-HJLNP-UW-Z]{2}(?![^\W_])"
)
_AMERICAN = Expression(rf"{NAME}(?:[ ]{NAME})?,[ ][A-Z]{{2}}[ ]\d{{5}}(?:-\d{{4}})?(?!\d)")
_JAPANESE_CODE = Expression(r"〒[ 　]?[\d０-９]{3}[-－ー‐]?[\d０-９]{4}")
_AFTER_STREET = Expression(
    rf"[ ]?[,;\n·/]?[ \n]{{0,2}}(?:(?:[A-Z]{{1,2}}-)?{_CODE}(?:,?[ ]{PLACE})?|(?:Τ\.?Κ\.?|CP|C\.P\.)[ ]?{_CODE}"
    rf"(?:,?[ ]{PLACE})?)|,[ ]{PLACE}(?=[ ]*(?:$|[.,;)\n]))"
)
_TOWNS: Final = frozenset(
    folded(
        """Stockholm Göteborg Malmö Uppsala Västerås Örebro Linköping Helsingborg Jönköping Norrköping
    Lund Umeå Gävle Borås Södertälje Eskilstuna Halmstad Växjö Karlstad Sundsvall Östersund Luleå
    Mölndal Skövde Kalmar Falun Solna København Aarhus Århus Odense Aalborg Ålborg Esbjerg Randers
    Kolding Vejle Oslo Bergen Trondheim Stavanger Tromsø Bodø Drammen Helsinki Helsingfors Espoo
    Tampere Vantaa Oulu Turku Åbo Jyväskylä Kuopio Lahti Reykjavík Tallinn Tartu Riga Rīga Vilnius
    Kaunas Warszawa Kraków Łódź Wrocław Poznań Gdańsk Szczecin Lublin Katowice Białystok Praha Brno
    Ostrava Plzeň Bratislava Košice Budapest Debrecen Szeged Pécs București Cluj Iași Timișoara Sofia
    Berlin Hamburg München Köln Frankfurt Stuttgart Düsseldorf Leipzig Dortmund Essen Bremen Dresden
    Hannover Nürnberg Duisburg Bochum Wuppertal Bielefeld Bonn Münster Karlsruhe Mannheim Augsburg
    Wiesbaden Göttingen Heidelberg Freiburg Mainz Erlangen Würzburg Ulm Tübingen Kiel Lübeck Rostock
    Magdeburg Erfurt Jena Halle Kassel Aachen Regensburg Marburg Gießen Wien Graz Linz Salzburg
    Innsbruck Zürich Genève Basel Bern Lausanne Luzern Paris Marseille Lyon Toulouse Nice Nantes
    Strasbourg Montpellier Bordeaux Lille Rennes Reims Grenoble Dijon Angers Nancy Rouen Bruxelles
    Brussel Antwerpen Gent Liège Leuven Brugge Amsterdam Rotterdam Utrecht Eindhoven Groningen Tilburg
    Nijmegen Maastricht Leiden Haarlem Arnhem Luxembourg Madrid Barcelona Valencia Sevilla Zaragoza
    Málaga Murcia Palma Bilbao Alicante Córdoba Valladolid Vigo Gijón Granada Pamplona Santander
    Salamanca Oviedo Lisboa Porto Coimbra Braga Faro Setúbal Aveiro Roma Milano Napoli Torino Palermo
    Genova Bologna Firenze Bari Catania Venezia Verona Padova Trieste Pisa Siena Αθήνα Θεσσαλονίκη
    Πάτρα Ηράκλειο Λάρισα Βόλος Ιωάννινα Χανιά Ρόδος Αλεξανδρούπολη Καβάλα Αθήναι Πειραιάς Χαλάνδρι
    Μαρούσι Περιστέρι Καλλιθέα Λευκωσία Λεμεσός Λάρνακα Athens Athina Thessaloniki Patras Heraklion
    Nicosia Limassol Valletta Dublin Cork Galway Zagreb Split Rijeka Ljubljana Maribor"""
    ).split()
)


def find_addresses(text: str) -> Iterator[Found]:
    """Yield streets with their post code and town, coded places and post boxes."""
    low = text.lower()
    streets = _ends_streets(low)
    for pattern, hints in _STREETS:
        if not (streets if not hints else any(map(low.__contains__, hints))):
            continue
        for match in pattern.finditer(text):
            if pattern is _AFTER_NAME and not _is_street(match):
                continue
            end = match.end()
            if more := _AFTER_STREET.match(text, end):
                end = more.end()
            start = match.start("a") if "a" in match.re.groupindex else match.start()
            yield Found("contact", start, end, "address")
    for pattern, may_be in _CODES:
        if not may_be.search(text):
            continue
        for match in pattern.finditer(text):
            yield Found("place", *match.span(), "post-code")
    yield from find_post_codes(text)
    for match in _CODE_TOWN.finditer(text) if _MAY_BE_TOWN.search(text) else ():
        if folded(match["town"].partition(" ")[0].partition("-")[0]) in _TOWNS:
            yield Found("place", *match.span(), "post-code")


_STREETS: Final[tuple[tuple[Expression, tuple[str, ...]], ...]] = (
    (_AFTER_NAME, ()),
    (_SPACED_NAME, ()),
    (
        _ENGLISH,
        tuple(
            " street, st, road, rd, avenue, ave, lane, ln, drive, dr., square, sq, close, way,"
            " boulevard, blvd, terrace, crescent, court, ct., place, gardens, grove, hill, parade,"
            " mews, highway, parkway".split(",")
        ),
    ),
    (
        _FRENCH,
        tuple(
            "rue av boulevard bd place chemin impasse allée quai cours route square passage".split()
        ),
    ),
    (
        _SOUTHERN,
        tuple(
            "calle avenid avda avd. plaza plza paseo pº camino carretera ctra ronda traves urb rua"
            " largo praça estrada alameda vial piazza corso vicolo strad ul. ulica al. pl. os. οδό"
            " οδο λεωφ πλατεία plac aleja utca bulevard náměst улица ул. бул. c/ via rue avenue"
            " boulevard av. calea șos. splaiul piața".split()
        ),
    ),
    (
        _GREEK_BARE,
        tuple(
            "διεύθυνση δ/νση κατοικ κάτοικ adres direc domicil indirizzo osoite morada bostad"
            " wohnhaft bo".split()
        ),
    ),
    (_JAPANESE, tuple("市区郡町村県都道府")),
    (
        _BOX,
        tuple(
            "o. post box apartado apdo casilla caixa b.p bp casella skrytka skr. pf. cs τ pl 私".split()
        ),
    ),
)
"""Expressions with the small letters of which one must be there; () asks `_ends_streets`."""
_CODES: Final = (
    (_CODED, Expression(r"-\d{2}")),
    (_BRITISH, Expression(r"\d[A-Z]{2}")),
    (_AMERICAN, Expression(r",[ ][A-Z]{2}[ ]\d")),
    (_JAPANESE_CODE, Expression("〒")),
)
_MAY_BE_TOWN: Final = Expression(rf"(?:\d{{2}}|\d[ ]?[A-Z]{{2}}),?[ ]{UPPER}")
_BEFORE_NUMBER: Final = Expression(r"[^\W\d_]\.?[ ]\d")
_ENDS: Final = tuple(_COMPOUND.split("|"))


def _ends_streets(low: str) -> bool:
    """Say whether a number of a text in small letters follows a word that ends as streets do."""
    return any(
        low.endswith(_ENDS, max(0, match.start() - 12), match.start() + 1)
        for match in _BEFORE_NUMBER.finditer(low)
    )


def _is_street(match: re.Match[str]) -> bool:
    """Say whether a compound is a street: a capital, three letters of name, no way of the body."""
    name = match["name"]
    last = name.replace("-", " ").rpartition(" ")[2]
    if len(name) < 3 or not match.group()[0].isupper():
        return False
    return not _PATIENT_WAYS.search(last.casefold())
