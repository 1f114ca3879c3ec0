"""Swedish texts of the checks of tables and of their findings. Data."""

from typing import Final

CHECKS: Final[dict[str, tuple[str, str]]] = {
    "Q-UNI-05": ("Ingen person är två", "värden för två personer som sällan stämmer av en slump"),
    "Q-TAB-01": (
        "Kolumnerna har värden",
        "andel rader utan värde, för varje kolumn i patient och condition",
    ),
    "Q-TAB-02": (
        "Tabellernas tal är möjliga",
        "åldrar, PSA, Gleason, storlekar, doser, fraktioner, grader, överlevnad",
    ),
    "Q-TAB-03": (
        "Tabellernas datum är i ordning",
        "diagnos, behandling, händelser och senaste kontakt; början och slut",
    ),
    "Q-TAB-04": (
        "Åldrar och överlevnad stämmer med datumen",
        "survival_days och ålder vid diagnos mot datumen bredvid",
    ),
    "Q-TAB-05": (
        "Könet stämmer med organet",
        "kön mot topografi och cancer; PSA, Gleason och receptorer",
    ),
    "Q-TAB-06": (
        "En tumörs koder stämmer överens",
        "cancer, topografi, morfologi och ICD-10 för varje diagnos",
    ),
    "Q-TAB-07": ("Stadium stämmer med TNM", "T, N och M i varje stadieindelning mot dess stadium"),
    "Q-TAB-08": ("Tabellernas nycklar stämmer", "nycklarna i alla tabeller och raderna de nämner"),
    "Q-TAB-09": (
        "Den levererade tabellens rader finns en gång",
        "alla celler i varje rad i den kliniska tabellen som den levererats",
    ),
    "Q-TAB-10": (
        "Den levererade tabellens celler är ifyllda",
        "tomma celler, samt ord och tal som står för inget värde, för varje kolumn",
    ),
    "Q-TAB-11": (
        "Den levererade tabellens celler är i linje",
        "tal och datum mot resten av sin kolumn",
    ),
    "Q-LNK-04": ("Könet är detsamma i bilder och tabell", "PatientSex mot könet i patienttabellen"),
    "Q-LNK-05": (
        "Åldern är densamma i bilder och tabell",
        "PatientAge mot ålder och datum vid diagnos",
    ),
    "Q-LNK-06": (
        "Bilder och diagnos passar i tid",
        "bildernas datum mot diagnos, död och senaste kontakt",
    ),
    "Q-LNK-07": ("Cancerns organ är avbildat", "BodyPartExamined i alla bilder mot cancerns organ"),
    "Q-LNK-08": ("Cancerns sida är avbildad", "sidan i bilderna mot diagnosens sida"),
    "Q-LNK-09": (
        "Undersökningar som tabellen nämner finns här",
        "tabellens bildundersökningar mot Modality i bilderna",
    ),
}
"""Check → title and what it looks at."""

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "person-twice": (
        "Två personer stämmer i det som sällan stämmer av en slump: {values}",
        "Ta reda på om det är en person med två identiteter; slå ihop dem vid källan",
    ),
    "column-sparse": (
        "{column} saknar värde i {percent} % av raderna",
        "Mappa källkolumnen som har det, eller säg i beskrivningen att det inte är känt",
    ),
    "columns-empty": (
        "Kolumner utan något värde: {columns}",
        "Inget; en sökning på dem svarar ”stöds inte”",
    ),
    "table-value": (
        "{column} är {value}; det måste vara {wanted}",
        "Rätta värdet vid källan, eller dess enhet i mappningen",
    ),
    "diagnosis-after-death": (
        "Cancern diagnosticerades {days} dagar efter döden",
        "Rätta datumen vid källan; ett obduktionsfynd dateras till dödsdagen",
    ),
    "after-last-contact": (
        "Cancern diagnosticerades {days} dagar efter senaste kontakt",
        "Uppdatera datum för senaste kontakt vid källan",
    ),
    "ends-before-begin": (
        "{column} ligger {days} dagar före sin början",
        "Rätta datumen vid källan",
    ),
    "event-after-death": (
        "{column} ligger {days} dagar efter döden",
        "Rätta datumen vid källan",
    ),
    "survival-disagrees": (
        "survival_days är {survival_days}; av datumen blir det {computed}",
        "Rätta datumen, eller regeln i mappningen",
    ),
    "ages-disagree": (
        "Åldrarna vid två diagnoser ligger {age} år isär, datumen {computed}",
        "Rätta åldrar eller datum vid källan",
    ),
    "sex-against-organ": (
        "En person med könet {sex} har cancer i {cancer} ({topography})",
        "Rätta kön eller diagnos vid källan",
    ),
    "psa-of-woman": (
        "En kvinna har PSA {psa_ng_ml} ng/mL",
        "Rätta kön eller laboratorievärde vid källan",
    ),
    "gleason-elsewhere": (
        "Gleasonpoäng {gleason} anges för cancer i {cancer}",
        "Rätta diagnosen, eller kolumnen i mappningen",
    ),
    "receptor-elsewhere": (
        "Receptorer för bröstcancer anges för cancer i {cancer}",
        "Rätta diagnosen, eller kolumnen i mappningen",
    ),
    "topography-disagrees": (
        "Cancern är {cancer}, dess topografi {topography}",
        "Rätta en av dem vid källan",
    ),
    "icd10-disagrees": (
        "ICD-10 är {icd10}, topografin {topography}",
        "Rätta en av dem vid källan",
    ),
    "morphology-elsewhere": (
        "Morfologi {morphology} ({name}) börjar i {sites}, inte i {topography}",
        "Rätta koderna; en metastas kodas med primärtumörens läge",
    ),
    "behaviour-metastatic": (
        "En primär cancer har en metastas morfologi: {morphology}",
        "Ange beteende /3, eller kalla diagnosen sekundär",
    ),
    "in-situ-staged": (
        "En tumör in situ ({morphology}) har stadium {stage}",
        "Rätta beteende eller stadium vid källan",
    ),
    "behaviour-benign": (
        "En person med cancer har en godartad tumör: {morphology}",
        "Rätta morfologin, eller personens population",
    ),
    "tnm-misplaced": (
        "{value} står i en annan kategoris kolumn (TNM {tnm})",
        "Rätta kolumnerna i mappningen",
    ),
    "stage-against-tnm": (
        "Stadium {stage} för {cancer} följer inte av {tnm}; möjliga: {possible} (utgåva {edition})",
        "Rätta TNM eller stadium vid källan, eller ange utgåvan",
    ),
    "key-twice": (
        "Nyckeln {key} i {column} finns mer än en gång",
        "Bygg tabellerna igen ur källan",
    ),
    "key-lost": (
        "{column} nämner en rad i {table} som inte finns",
        "Bygg tabellerna igen ur källan",
    ),
    "rows-twice": (
        "Rader i {table} som redan finns: {n_rows}",
        "Ta bort de upprepade raderna vid källan",
    ),
    "cells-missing": (
        "Kolumnen ”{column}” är tom i {percent} % av raderna",
        "Inget, om värdet inte gäller alla; fyll annars i vid källan",
    ),
    "cells-no-value": (
        "Kolumnen ”{column}” säger ”{value}” där det inte finns något värde: {n_rows} rader",
        "Lämna cellen tom, eller ange ordet som saknat i mappningen",
    ),
    "cells-no-date": (
        "Kolumnen ”{column}” har det som inte är ett datum: {n_rows} rader, till exempel ”{value}”",
        "Rätta datumen vid källan",
    ),
    "cells-future": (
        "Kolumnen ”{column}” har datum i framtiden: {n_rows} rader, till exempel {value}",
        "Rätta datumen vid källan",
    ),
    "cells-no-number": (
        "Kolumnen ”{column}” med tal har det som inte är tal: {n_rows} rader",
        "Rätta cellerna vid källan",
    ),
    "cells-out-of-line": (
        "Kolumnen ”{column}” har tal utom linje: {value} (vanligt är {usual})",
        "Se efter dem vid källan: fel enhet eller skrivfel",
    ),
    "sex-of-header": (
        "Tabellen säger {sex}, bilderna säger {header}",
        "Ta reda på vems bilderna är; rätta kön eller identitet vid källan",
    ),
    "age-of-header": (
        "PatientAge är {age} år; av tabellen blir det {computed}",
        "Ta reda på vems bilderna är; rätta ålder eller datum vid källan",
    ),
    "imaged-after-death": (
        "En bild togs {days} dagar efter döden",
        "Ta reda på vems bilden är; rätta datumen vid källan",
    ),
    "imaged-long-before": (
        "Alla bilder togs {days} dagar eller mer före diagnosen",
        "Se efter datumen; bilder vid diagnos kan saknas",
    ),
    "imaged-long-after": (
        "Alla bilder togs {days} dagar eller mer efter diagnosen",
        "Inget, om de är från uppföljning; annars saknas bilder vid diagnos",
    ),
    "organ-not-imaged": (
        "Cancern sitter i {cancer}, bilderna är av {body_part}",
        "Ta reda på vems bilderna är, eller vilka som saknas",
    ),
    "side-not-imaged": (
        "Cancern sitter på sida {laterality}, bilderna är av sida {header}",
        "Se efter bildens och diagnosens sida vid källan",
    ),
    "procedure-not-imaged": (
        "Tabellen nämner {procedure}, men det finns ingen {modality} (det finns: {header})",
        "Skicka bilderna, eller rätta undersökningen",
    ),
}
"""Kind of finding → message and mend."""
