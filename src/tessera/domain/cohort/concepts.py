"""Concepts a coded field may hold, with the other names people and systems use for them.

Codes: SNOMED CT ids (written bare or as `SCT:…`) and EUCAIM Hyper-Ontology codes are those
of the keys of the EUCAIM federated search. Cancers come from the terminology.
"""

from dataclasses import dataclass

from tessera.domain.terms.terminology import group, narrower


@dataclass(frozen=True, slots=True)
class Concept:
    """One value of a coded column.

    `includes` are narrower concepts: a query for this one also finds those (is-a).
    """

    name: str
    meaning: str = ""
    synonyms: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()
    is_grouping: bool = False
    """True when no data hold this value itself, only those that it includes."""


def _plain(*names: str) -> tuple[Concept, ...]:
    return tuple(Concept(name) for name in names)


def _cancers() -> tuple[Concept, ...]:
    """Return the cancers of the terminology, each with the narrower ones that data may hold."""
    entries = {one.name: one for one in group("cancer")}
    found = []
    for one in entries.values():
        codes = (*one.codes.items(), *(code.split(":", 1) for code in one.same_as))
        said = [one.label_en, one.label_sv]
        for language in ("any", "en", "sv"):
            said += one.synonyms.get(language, ())
        said += [code for system, code in codes if system in {"SCT", "EUCAIM"}]
        below = [name for name in narrower("cancer", one.name) if name != one.name]
        label = _SAID.get(one.name, one.label_en)
        found.append(
            Concept(
                one.name,
                label if label.startswith("Hodgkin") else label[0].lower() + label[1:],
                tuple(dict.fromkeys(said)),
                includes=tuple(name for name in below if "abstract" not in entries[name].facts),
                is_grouping="abstract" in one.facts,
            )
        )
    return tuple(sorted(found, key=lambda one: one.is_grouping))


_SAID = {"colorectum": "cancer of the colon or rectum"}
CANCERS = _cancers()
SEXES = (
    Concept("female", "female", ("F", "woman", "women", "248152002", "COM1001370")),
    Concept("male", "male", ("M", "man", "men", "248153007", "COM1001366")),
    Concept("other", "other", ("O", "74964007", "COM1001288")),
    Concept("unknown", "not known", ("261665006", "COM1002760")),
)
POPULATIONS = (
    Concept("cancer", "subjects with cancer", ("patient", "COM1001087")),
    Concept("control", "control group", ("controls", "COM1002625")),
    Concept("benign", "lesion that is not malignant", ("COM1001086",)),
    Concept("screening", "screening", ("screened", "COM1002624")),
)
STAGES = (
    Concept("0", "stage 0", ("stage 0",)),
    Concept("I", "stage I", ("1", "stage I", "stage 1")),
    Concept("II", "stage II", ("2", "stage II", "stage 2")),
    Concept("III", "stage III", ("3", "stage III", "stage 3")),
    Concept("IV", "stage IV", ("4", "stage IV", "stage 4")),
)
RECEPTOR = (
    Concept("positive", "positive", ("pos", "+", "COM1001310")),
    Concept("negative", "negative", ("neg", "-", "COM1001332")),
)
TREATMENTS = (
    Concept("surgery", "surgery", ("surgical", "operation")),
    Concept("radiotherapy", "radiotherapy", ("radiation", "RT", "CLIN1012947")),
    Concept("chemotherapy", "chemotherapy", ("chemo", "CLIN1024528")),
    Concept("hormone", "hormone therapy", ("hormonal", "endocrine", "CLIN1016082")),
    Concept("immunotherapy", "immunotherapy", ("immuno", "CLIN1034262")),
    Concept("targeted", "targeted therapy", ("targeted therapy", "CLIN1034674")),
    Concept("surveillance", "surveillance", ("active surveillance", "watchful waiting")),
)
TREATMENTS_EVER = (
    *TREATMENTS,
    Concept("chemoradiation", "chemoradiation", ("chemoradiotherapy",)),
    Concept("ablation", "ablation"),
    Concept("embolisation", "embolisation", ("embolization",)),
    Concept("radionuclide", "radionuclide therapy", ("radionuclide therapy",)),
    Concept("transplantation", "transplantation", ("transplant",)),
    Concept("best_supportive_care", "best supportive care", ("supportive care",)),
)
"""Kinds of treatment that a course may be of."""
BASELINES = (
    Concept("diagnosis", "the day of the first diagnosis"),
    Concept("imaging", "the day of the first study, where no diagnosis is dated"),
)
YES_NO = (Concept("yes", "yes", ("true", "y")), Concept("no", "no", ("false", "n")))
MODALITIES = (
    Concept("CT", "computed tomography", ("CAT", "RID10321")),
    Concept("MR", "magnetic resonance", ("MRI", "MRT", "RID10312")),
    Concept("PT", "positron emission tomography", ("PET", "RID10337")),
    Concept("NM", "nuclear medicine", ("SPECT", "RID10334")),
    Concept("MG", "mammography", ("mammography", "mammogram")),
    Concept("US", "ultrasound", ("ultrasound",)),
    Concept("CR", "computed radiography"),
    Concept("DX", "digital radiography", ("DR",)),
    Concept("XA", "X-ray angiography"),
    Concept("RF", "radiofluoroscopy"),
    Concept("SM", "slide microscopy", ("WSI",)),
    Concept("GM", "general microscopy"),
    Concept("ES", "endoscopy"),
    Concept("SEG", "segmentation", ("segmentation",)),
    Concept("SR", "structured report"),
    Concept("RTSTRUCT", "radiotherapy structure set", ("RTSS",)),
    Concept("RTPLAN", "radiotherapy plan"),
    Concept("RTDOSE", "radiotherapy dose"),
    Concept("RTIMAGE", "radiotherapy image"),
    Concept("REG", "registration"),
    Concept("PR", "presentation state"),
    Concept("KO", "key object selection"),
    Concept("ANN", "annotation"),
    *_plain(
        *("BI", "DG", "DOC", "ECG", "EPS", "FID", "HD", "IO", "IVUS", "LS", "M3D", "OCT", "OP"),
        *("OPM", "OPT", "OPV", "OT", "PX", "RG", "RTRECORD", "SC", "STAIN", "TG", "XC"),
    ),
)
"""Source: PS3.3 C.7.3.1.1.1 (defined terms of Modality); SC as some devices write it."""
VENDORS = (
    Concept("siemens", "Siemens Healthineers", ("siemens healthineers", "C200140", "birnlex_3066")),
    Concept("ge", "GE HealthCare", ("ge healthcare", "ge medical systems", "birnlex_12833")),
    Concept("philips", "Philips", ("philips medical systems", "birnlex_3065")),
    Concept("canon", "Canon Medical", ("canon medical systems",)),
    Concept("toshiba", "Toshiba", ("birnlex_3067",)),
    Concept("hologic", "Hologic", ("lorad",)),
    Concept("fujifilm", "Fujifilm", ("fuji",)),
    Concept("hitachi", "Hitachi"),
    Concept("agfa", "Agfa"),
    Concept("samsung", "Samsung"),
)
VENDOR_PATTERNS = {
    "ge": (" ge ", " gems ", " general electric "),
    "fujifilm": ("fuji",),
    "hologic": ("hologic", "lorad"),
}
"""What a normalised manufacturer text contains; without an entry, the vendor's own name.
Normalised: lower case, each run of other characters than a-z and 0-9 one space, one space
at either end."""
