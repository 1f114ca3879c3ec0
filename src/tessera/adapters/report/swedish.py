"""Swedish texts of the checks and of each kind of finding. Data; names of evidence in braces.

The keys are those of `tessera.domain.quality`, which a test holds.
"""

from tessera.adapters.report import swedish_facts, swedish_images, swedish_tables

CHECKS: dict[str, tuple[str, str]] = {
    "Q-INT-01": ("Filerna går att läsa", "varje fil som är, eller utger sig för, DICOM"),
    "Q-INT-02": (
        "Bilddata är fullständiga",
        "bilddatas längd mot Rows, Columns, bildrutor, komponenter och bitar",
    ),
    "Q-INT-03": (
        "Filerna är som manifestet säger",
        "SHA-256 för datasetversionens tabeller och instanser",
    ),
    "Q-UNI-01": ("Varje instans finns en gång", "SOPInstanceUID i alla filer"),
    "Q-UNI-02": ("Ingen bild finns under två namn", "SHA-256 för bilddata i alla instanser"),
    "Q-UNI-03": (
        "En serie hör till en undersökning, en undersökning till en person",
        "vilken serie, undersökning och person varje instans anger",
    ),
    "Q-GEO-01": (
        "Snitten ligger jämnt och inget saknas",
        "lägen längs normalen i varje bunt om tre eller fler snitt",
    ),
    "Q-GEO-02": ("En serie har en riktning", "ImageOrientationPatient för varje snitt"),
    "Q-GEO-03": (
        "En serie har en matris och ett pixelavstånd",
        "Rows, Columns och PixelSpacing för parallella snitt",
    ),
    "Q-GEO-04": (
        "Inga två snitt ligger på samma plats",
        "lägen inom ett b-värde, en fas, ett eko, en bildtyp och en insamling",
    ),
    "Q-LNK-01": (
        "Bilderna har en rad i den kliniska tabellen",
        "PatientID i varje instans mot den kliniska tabellen",
    ),
    "Q-LNK-02": (
        "Personerna i den kliniska tabellen har bilder",
        "den kliniska tabellen mot PatientID i varje instans",
    ),
    "Q-LNK-03": (
        "Det som segmenteringar och utlåtanden hänvisar till finns här",
        "ReferencedSeriesSequence i SEG, SR, RT och andra härledda objekt",
    ),
    "Q-T1-05": (
        "Minsta attribut för varje bildserie",
        "PatientID, Modality, BodyPartExamined, Manufacturer, AcquisitionDate, ålder",
    ),
    "Q-T1-06": (
        "Minsta kliniska värden, personer med cancer",
        "population, kön, ålder vid diagnos, topografi",
    ),
    "Q-T1-07": (
        "Minsta kliniska värden, personer utan cancer",
        "population, kön, ålder vid bildtagning, topografi",
    ),
    **swedish_images.CHECKS,
    **swedish_tables.CHECKS,
}
"""Check → title and what it looks at."""

NOT_LOOKED: dict[str, str] = {
    "no-clinical-table": "ingen klinisk tabell angavs",
    "no-clinical-values": "inga kliniska värden i den gemensamma datamodellen angavs",
    "no-manifest": "detta är ingen datasetversion med manifest",
    "no-pixel-hashes": "bilddatas kontrollsummor beräknades inte",
    "no-headers": "filhuvudena lästes inte, bara indexet",
    "no-pictures": "ingen bild avkodades; använd --pixels few eller --pixels all",
    "no-source-table": "ingen klinisk tabell angavs",
}

VALUES: dict[str, str] = {
    "Sex": "Kön",
    "Age at diagnosis": "Ålder vid diagnos",
    "Age at imaging": "Ålder vid bildtagning",
    "Topography (organ)": "Topografi (organ)",
    "b-value": "b-värde",
    "temporal position": "tidsläge",
    "echo number": "eko",
    "image type": "bildtyp",
    "acquisition number": "insamlingsnummer",
    "acquisition date": "insamlingsdatum",
    "frame of reference": "referenssystem",
    **swedish_facts.VALUES,
}
"""Evidence that is a word, as it stands in English → in Swedish."""

REASONS: dict[str, tuple[str, str]] = {
    "empty": ("Filen är tom", "Skicka den igen från källan"),
    "not-dicom": (
        "Filen är inte DICOM, fast namnet säger det",
        "Ta bort den eller skicka den igen",
    ),
    "truncated": ("Filen slutar innan värdet gör det", "Skicka den igen från källan"),
    "damaged": ("Filen är skadad", "Skicka den igen från källan"),
    "unreadable": ("Filen går inte att läsa", "Granska den med dcmdump och skicka den igen"),
    "too-large": (
        "Filen är för stor",
        "Spara den som Explicit VR Little Endian och skicka den igen",
    ),
    "too-deep": ("Sekvenserna är för djupt nästlade", "Kontrollera avsändaren"),
    "no-uid": ("SOPInstanceUID saknas", "Kontrollera avsändaren"),
    "encrypted": ("Filen i arkivet är krypterad", "Packa upp arkivet och granska mappen"),
}
"""Reason why a file is unreadable → message and mend. For others the reader's words stay."""

TEXTS: dict[str, tuple[str, str]] = {
    "unreadable": ("{reason_text}", "{reason_mend}"),
    "pixels-short": (
        "Bilddata har {found_bytes} byte; huvudet beskriver {expected_bytes}",
        "Skicka instansen igen från PACS; slutet av bilden saknas",
    ),
    "pixels-long": (
        "Bilddata har {found_bytes} byte; huvudet beskriver bara {expected_bytes}",
        "Jämför Rows, Columns, BitsAllocated och NumberOfFrames med källan",
    ),
    "pixels-empty": ("Bilddata är tomma", "Skicka instansen igen från PACS"),
    "pixels-absent": (
        "Huvudet beskriver en bild om {rows} x {columns}, men bilddata saknas",
        "Skicka instansen igen från PACS, med bilddata",
    ),
    "pixels-undescribed": (
        "Bilddata finns, men Rows, Columns eller BitsAllocated saknas",
        "Skicka instansen igen från PACS; utan dessa går bilden inte att visa",
    ),
    "content-changed": (
        "Innehållet i {path} är inte det som manifestet anger",
        "Återställ filen från en kopia; en datasetversion får inte ändras",
    ),
    "content-missing": (
        "{path} står i manifestet men filen finns inte",
        "Återställ filen från en kopia; en datasetversion får inte ändras",
    ),
    "uid-copies": (
        "Samma fil finns {n_files} gånger, byte för byte",
        "Behåll en av filerna",
    ),
    "uid-conflict": (
        "{n_files} filer har samma SOPInstanceUID, men olika innehåll",
        "Ta reda på vilken PACS har och ta bort de andra; en ändrad bild behöver ett nytt UID",
    ),
    "pixels-shared": (
        "Bilder har samma bilddata under olika UID: {n_images}",
        "Om de är kopior, behåll en",
    ),
    "pixels-shared-subjects": (
        "Bilder av {n_subjects} personer har samma bilddata: {n_images}",
        "Ta reda på vems bilderna är: en person med två identiteter, eller en felförd bild",
    ),
    "pixels-blank": (
        "Bilder är tomma, varje pixel är 0: {n_images}",
        "Inget, om de ligger utanför kroppen; exportera annars serien igen",
    ),
    "uid-absent": (
        "Instanser utan {attribute}: {n_images}",
        "Skicka dem igen från PACS; utan det hör de inte till något",
    ),
    "series-in-studies": (
        "En serie förekommer i {n_studies} undersökningar",
        "Exportera serien igen från PACS; en serie hör till en undersökning",
    ),
    "study-of-subjects": (
        "En undersökning hör till {n_subjects} personer",
        "Ta reda på vems undersökning det är; slå ihop eller rätta identiteterna vid källan",
    ),
    "slices-missing": (
        "Snitt som saknas: {n_missing} ({places})",
        "Skicka serien igen från PACS och jämför antalet bilder",
    ),
    "spacing-irregular": (
        "Snittavståndet varierar: oftast {step_mm} mm, som mest {worst_mm} mm fel ({places})",
        "Behandla inte serien som en volym förrän snitten räknats om eller delats upp",
    ),
    "spacing-uneven": (
        "Snittavståndet varierar något: oftast {step_mm} mm, som mest {worst_mm} mm fel",
        "Inget för visning; räkna om snitten före volymmätning",
    ),
    "layers-uneven": (
        "Av {n_stacks} buntar som skiljs åt av {key} har {n_short} färre snitt än den fullaste; "
        "saknas totalt: {n_missing}",
        "Skicka serien igen från PACS och jämför antalet bilder",
    ),
    "position-invalid": (
        "ImagePositionPatient eller ImageOrientationPatient är inget rimligt tal; "
        "bilder: {n_images}",
        "Exportera serien igen från kameran eller PACS; lägena går inte att lita på",
    ),
    "orientation-invalid": (
        "ImageOrientationPatient är inte två vinkelräta enhetsvektorer; bilder: {n_images}",
        "Exportera serien igen från kameran eller PACS; lägena går inte att lita på",
    ),
    "orientation-stacks": (
        "Serien har {n_orientations} buntar i olika plan",
        "Inget; verktyg som väntar sig en volym bör lämna serien eller dela den",
    ),
    "orientation-groups": (
        "Serien har {n_orientations} buntar, vridna {angle_degrees} grader",
        "Dela serien efter riktning innan den behandlas som en volym",
    ),
    "orientation-varies": (
        "Snitten är vridna mot varandra, upp till {angle_degrees} grader",
        "Exportera serien igen; om det består, lämna serien utanför volymanalys",
    ),
    "matrix-varies": (
        "Snitten i en bunt har {n_sizes} matrisstorlekar: {sizes}",
        "Exportera serien igen; bilder ur en annan serie kan ha hamnat här",
    ),
    "pixel-spacing-varies": (
        "Snitten i en bunt har {n_spacings} pixelavstånd: {spacings}",
        "Exportera serien igen; bilder ur en annan serie kan ha hamnat här",
    ),
    "place-shared": (
        "Snitt ligger på en plats som är upptagen: {n_extra} (platser: {n_places})",
        "Sök efter bilder som skickats två gånger med nya UID, eller som hör till en annan serie",
    ),
    "place-layers": (
        "Varje plats har {n_layers} snitt, och inget attribut skiljer dem åt",
        "Behåll b-värde, tidsläge, eko eller insamlingsnummer när serien exporteras",
    ),
    "image-without-row": (
        "Personen har bilder men ingen rad i den kliniska tabellen",
        "Lägg till personen i den kliniska tabellen, eller ta bort bilderna",
    ),
    "image-without-row-similar": (
        "Personen har bilder men ingen rad i den kliniska tabellen, "
        "där det dock finns en liknande identitet",
        "Skriv identiteten likadant på båda ställena (inledande nollor, sekel, prefix)",
    ),
    "row-without-image": (
        "En person i den kliniska tabellen har inga bilder",
        "Skicka bilderna, eller ta bort personen",
    ),
    "reference-lost": (
        "{modality} hänvisar till en serie som inte finns här",
        "Skicka serien som segmenterats eller mätts, eller ta bort instanserna",
    ),
    "reference-foreign": (
        "{modality} hänvisar till en serie av en annan person",
        "Ta reda på vems serien är; rätta identiteterna vid källan",
    ),
    "reference-absent": (
        "{modality} anger inte vilken serie den hänvisar till",
        "Exportera segmenteringen igen med ReferencedSeriesSequence",
    ),
    "minimum-imaging": (
        "{attribute} är tomt",
        "Fyll i {attribute} vid källan, eller behåll det vid avidentifieringen",
    ),
    "minimum-imaging-age": (
        "Personens ålder vid bildtagningen är varken angiven eller möjlig att räkna ut",
        "Behåll PatientAge, eller ange ålder och datum för diagnos i den kliniska tabellen",
    ),
    "minimum-clinical": (
        "{value} saknas för en person med cancer",
        "Fyll i {value} i den kliniska tabellen, eller mappa kolumnen som har det",
    ),
    "no-condition": (
        "En person i cancerpopulationen har ingen cancerdiagnos",
        "Mappa diagnoskolumnen, eller rätta personens population",
    ),
    "no-population": (
        "Population saknas: cancer, kontroll, benign eller screening",
        "Mappa eller ange populationen i den kliniska tabellen",
    ),
    "minimum-control": (
        "{value} saknas för en person utan cancer",
        "Fyll i {value} i den kliniska tabellen, eller mappa kolumnen som har det",
    ),
    **swedish_images.TEXTS,
    **swedish_tables.TEXTS,
}
"""Kind of finding → message and mend."""

COLUMNS: dict[str, str] = {
    "attribute": "attribut",
    "element": "element",
    "first_instances": "första instanserna",
    "instance_numbers": "instansnummer",
    "modality": "slag",
    "n_extra": "för många",
    "n_files": "filer",
    "n_gaps": "luckor",
    "n_images": "bilder",
    "n_instances": "instanser",
    "n_layers": "lager",
    "n_missing": "saknas",
    "n_orientations": "riktningar",
    "n_series": "serier",
    "n_short": "för korta",
    "n_sizes": "storlekar",
    "n_slices": "snitt",
    "n_slices_fullest": "snitt i den fullaste",
    "n_spacings": "avstånd",
    "n_stacks": "buntar",
    "n_stacks_affected": "berörda buntar",
    "n_studies": "undersökningar",
    "n_subjects": "personer",
    "path": "fil",
    "paths": "filer",
    "reason": "skäl",
    "referenced_series_uid": "serien som nämns",
    "series": "serier",
    "smallest_angle_degrees": "minsta vinkel, grader",
    "step_mm": "steg, mm",
    "studies": "undersökningar",
    "subjects": "personer",
    "transfer_syntax_uid": "överföringssyntax",
    "unit": "enhet",
    "worst_mm": "största avvikelse, mm",
    **swedish_facts.COLUMNS,
}
"""Column of the places of a finding → heading; other columns keep their name in the JSON form."""
