"""Swedish texts of the checks of images and of their findings. Data."""

from typing import Final

CHECKS: Final[dict[str, tuple[str, str]]] = {
    "Q-UNI-04": (
        "Ingen bild finns två gånger i annan form",
        "grova drag, sedan finaste textur, hos avkodade bilder ur olika undersökningar",
    ),
    "Q-GEO-05": (
        "Snitten ligger rakt över varandra",
        "vägen från första till sista snitt mot normalen; GantryDetectorTilt",
    ),
    "Q-GEO-06": (
        "Tjocklek och angivet avstånd stämmer med lägena",
        "SliceThickness och SpacingBetweenSlices mot snittens avstånd",
    ),
    "Q-SER-01": (
        "Dynamiska serier har alla sina faser",
        "tidslägen, trigger- och insamlingstider; serier som namnges som dynamiska",
    ),
    "Q-SER-02": (
        "Diffusionsserier anger alla sina b-värden",
        "DiffusionBValue, tillverkarnas element för det, b-värden i beskrivningen; ADC-kartor",
    ),
    "Q-HDR-01": (
        "Värden i filhuvudet är möjliga",
        "ålder, pixelavstånd, snittjocklek, kV, b-värde, eko- och repetitionstid, vikt, längd",
    ),
    "Q-HDR-02": (
        "Bildernas datum är möjliga",
        "StudyDate, AcquisitionDate, PatientBirthDate, PatientAge",
    ),
    "Q-HDR-03": (
        "PET anger det som SUV behöver",
        "vikt, dos, halveringstid, tider och korrektioner i PET-serier i Bq/mL",
    ),
    "Q-HDR-04": (
        "Kroppsdelen stämmer med beskrivningen",
        "BodyPartExamined mot orden i serie, protokoll och undersökning",
    ),
    "Q-HDR-05": (
        "Sidan stämmer med beskrivningen",
        "Laterality och ImageLaterality mot beskrivningen; mammografi",
    ),
    "Q-HDR-06": (
        "Filhuvudena för en person talar om en och samma",
        "PatientSex, PatientBirthDate och PatientAge i en persons alla bilder",
    ),
    "Q-IMG-01": ("Bilderna visar något", "lägsta och högsta värde i avkodade bilder"),
    "Q-IMG-02": (
        "Bruset är uthärdligt",
        "brus i HU för CT, signal mot brus för MR, PET och röntgen",
    ),
    "Q-IMG-03": (
        "Inga spökbilder av rörelse",
        "bakgrunden i MR ovan och under kroppen mot den vid sidorna",
    ),
    "Q-IMG-04": ("Hela kroppen är med i bilden", "kropp vid synfältets kant (CT, PET)"),
    "Q-IMG-05": ("Bilderna är inte överstyrda", "den del av förgrunden som har det högsta värdet"),
    "Q-IMG-06": ("Metall anges", "värden över 2 800 HU i CT"),
}
"""Check → title and what it looks at."""

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "near-subjects": (
        "Två personer har samma bild i annan kodning, fönsterinställning eller "
        "beskärning (likhet {sameness})",
        "Ta reda på vems bilderna är: en person med två identiteter, eller en felplacerad bild",
    ),
    "near-studies": (
        "Två undersökningar av en person har samma bild i annan kodning, "
        "fönsterinställning eller beskärning (likhet {sameness})",
        "Om det är en undersökning som lagrats två gånger: behåll den med de ursprungliga pixlarna",
    ),
    "slices-sheared": (
        "Snitten är förskjutna mot varandra: bunten lutar {angle_degrees} grader (lutat stativ)",
        "Interpolera till ett rakt rutnät innan serien behandlas som en volym",
    ),
    "tilt-not-in-orientation": (
        "GantryDetectorTilt är {tilt_degrees} grader, men snitten anges vara raka",
        "Jämför med källan: riktning eller lutning har tappats eller ändrats",
    ),
    "spacing-disagrees": (
        "SpacingBetweenSlices är {stated_mm} mm, snitten ligger {step_mm} mm isär",
        "Använd lägena; snitt kan saknas med jämna mellanrum",
    ),
    "thickness-gap": (
        "Snitten är {thickness_mm} mm tjocka och ligger {step_mm} mm isär: det som "
        "finns emellan är inte avbildat",
        "Inget, om det var planerat så; volymer av små förändringar är osäkra",
    ),
    "thickness-overlap": (
        "Snitten är {thickness_mm} mm tjocka och ligger bara {step_mm} mm isär",
        "Inget, om det var planerat så; jämför annars SliceThickness med källan",
    ),
    "phases-few": (
        "En dynamisk insamling har {n_phases} fas(er); {n_wanted} är det minsta som "
        "visar ett upptag",
        "Skicka faserna som saknas från PACS, eller ta bort serien ur dynamisk analys",
    ),
    "phases-missing": (
        "Faser saknas: {n_missing} (nummer {phases})",
        "Skicka serien igen från PACS och jämför antalet bilder",
    ),
    "phases-uneven": (
        "Faserna följer ojämnt på varandra: {step_s} s i regel, upp till {longest_s} s",
        "Inget, om det var planerat så; använd tiderna, inte fasens nummer",
    ),
    "adc-without-dwi": (
        "Det finns en ADC-karta men ingen diffusionsserie i undersökningen",
        "Skicka diffusionsserien från PACS; kartan kan inte kontrolleras utan den",
    ),
    "b-unstated": (
        "En diffusionsserie anger inget b-värde",
        "Behåll DiffusionBValue, eller tillverkarens element för det, vid export och "
        "avidentifiering",
    ),
    "b-partly": (
        "Bilder utan b-värde i en serie där andra bilder anger sitt: {n_without} av {n_images}",
        "Exportera serien igen från kamera eller PACS",
    ),
    "b-missing": (
        "Beskrivningen nämner b-värden som ingen bild har: {lost} (hittade: {b_values})",
        "Skicka serien igen från PACS och jämför antalet bilder",
    ),
    "b-private": (
        "b-värden står bara i tillverkarens privata element {tag}",
        "Behåll elementet vid avidentifiering, eller kopiera värdet till DiffusionBValue",
    ),
    "value-impossible": (
        "{attribute} är {value}; det måste vara {wanted}",
        "Rätta {attribute} vid källan, eller töm det",
    ),
    "value-unlikely": (
        "{attribute} är {value}; väntat är {wanted}",
        "Se efter {attribute} vid källan: fel enhet eller skrivfel",
    ),
    "date-future": (
        "En bild är daterad i framtiden: {day}",
        "Rätta datumet vid källan; se efter kamerans klocka",
    ),
    "date-too-early": (
        "En bild är daterad innan det fanns digitala bilder: {day}",
        "Inget, om datumen är förskjutna; annars står datumet för ett okänt, eller så "
        "gick klockan fel",
    ),
    "date-before-birth": (
        "Bilden är äldre än personen: {day} ligger före födelsedatum",
        "Ta reda på vems bilden är; rätta datumet vid källan",
    ),
    "age-not-from-dates": (
        "PatientAge är {age} år; av datum för födelse och undersökning blir det {computed}",
        "Rätta ålder eller datum vid källan",
    ),
    "acquired-apart": (
        "Undersökningen är från {day}, bilderna togs {taken}",
        "Se efter vid källan: bilder från en annan dag kan ha hamnat här",
    ),
    "suv-inputs": (
        "SUV kan inte beräknas; saknas: {attribute}",
        "Behåll {attribute} vid export och avidentifiering",
    ),
    "suv-dose": (
        "RadionuclideTotalDose är {dose_bq} Bq; väntat är 1 MBq till 5 GBq",
        "Se efter vid källan: dosen kan vara i MBq",
    ),
    "suv-not-attenuated": (
        "Serien är inte korrigerad för attenuering; dess värden ger inget SUV",
        "Inget; använd den korrigerade serien för mätningar",
    ),
    "body-part-disagrees": (
        "BodyPartExamined är {body_part}, men beskrivningen talar om {written}: ”{words}”",
        "Se på bilden och rätta BodyPartExamined",
    ),
    "laterality-disagrees": (
        "Sidan är {laterality}, men beskrivningen säger {written}",
        "Se på bilden och rätta sidan",
    ),
    "laterality-absent": (
        "{modality} utan sida: {n_images}",
        "Behåll ImageLaterality vid export och avidentifiering",
    ),
    "header-sexes": (
        "Personens bilder anger båda könen",
        "Ta reda på vems bilderna är; rätta PatientSex eller identiteten vid källan",
    ),
    "header-births": (
        "Personens bilder anger {n_dates} födelsedatum",
        "Ta reda på vems bilderna är; rätta datumet eller identiteten vid källan",
    ),
    "header-ages": (
        "Ålder och datum i personens undersökningar passar inte en person: {years} år isär",
        "Ta reda på vems bilderna är; rätta ålder, datum eller identitet vid källan",
    ),
    "pictures-empty": (
        "Varje avkodad bild i serien har bara ett värde",
        "Exportera serien igen från PACS",
    ),
    "picture-empty": (
        "Avkodade bilder med bara ett värde: {n_images} av {n_looked}",
        "Inget, om de ligger utanför kroppen",
    ),
    "noisy-ct": (
        "Bruset är {noise} HU; över {limit} HU går mjukdelar inte att skilja åt",
        "Se på bilderna; använd en mjukare rekonstruktion om det finns en",
    ),
    "noisy": (
        "Signal mot brus för {modality} är {snr}; under {limit} syns lite",
        "Se på bilderna innan serien används",
    ),
    "ghosts": (
        "Bakgrunden är ljusare längs en axel, med {percent} % av signalen: rörelse eller flöde",
        "Se på bilderna innan serien mäts",
    ),
    "body-cut-off": (
        "Kroppen når bildens kant längs {percent} % av den",
        "Inget för en riktad rekonstruktion; duger inte för kroppssammansättning eller attenuering",
    ),
    "saturated": (
        "{percent} % av förgrunden har det högsta värdet: bilden är kapad eller sparad "
        "genom ett fönster",
        "Hämta de ursprungliga pixlarna från PACS",
    ),
    "metal": (
        "Metall i bilden, som ger stråk: {n_images} av {n_looked} bilder",
        "Inget; ta bort serien ur texturmätningar nära metallen",
    ),
}
"""Kind of finding → message and mend."""
