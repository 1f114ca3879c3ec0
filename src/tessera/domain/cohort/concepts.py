"""Concepts a coded field may hold, with the other names people and systems use for them.

Codes: SNOMED CT ids (written bare or as `SCT:…`) and EUCAIM Hyper-Ontology codes are those
of the keys of the EUCAIM federated search. Cancers come from the terminology.
"""

from dataclasses import dataclass

from tessera.domain.terms.concept import Concept as Term
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
    is_apart: bool = False
    """True when it has no place in the order of an ordered field, as TX."""
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
HER2_IHC = (
    Concept("0", "no staining", ("COM1002257",)),
    Concept("1+", "weak", ("1", "COM1001877")),
    Concept("2+", "equivocal", ("2", "COM1001879")),
    Concept("3+", "strong", ("3", "COM1001882")),
)
BI_RADS = (
    Concept("0", "incomplete", ("IMG1005470",), is_apart=True),
    Concept("1", "negative", ("IMG1005469",)),
    Concept("2", "benign", ("IMG1005468",)),
    Concept("3", "probably benign", ("IMG1005466",)),
    Concept("4", "suspicious", ("IMG1005465",), includes=("4A", "4B", "4C")),
    Concept("4A", "low suspicion", ("IMG1005460",)),
    Concept("4B", "moderate suspicion", ("IMG1005472",)),
    Concept("4C", "high suspicion", ("IMG1005471",)),
    Concept("5", "highly suggestive of malignancy", ("IMG1005464",)),
    Concept("6", "proven malignancy", ("IMG1005463",)),
)
PI_RADS = (
    Concept("X", "inadequate", ("IMG1005474", "IMG1005482"), is_apart=True),
    Concept("1", "very low", ("IMG1005479", "IMG1005487")),
    Concept("2", "low", ("IMG1005478", "IMG1005486")),
    Concept("3", "intermediate", ("IMG1005477", "IMG1005485")),
    Concept("4", "high", ("IMG1005476", "IMG1005484")),
    Concept("5", "very high", ("IMG1005475", "IMG1005483")),
)
"""Of the whole and of a lesion, which have codes of their own."""


def tnm(part: str, basis: str) -> tuple[Concept, ...]:
    """Return the categories of T, N or M with the codes that `basis` has for them."""
    return tuple(
        Concept(
            one.name,
            one.label_en,
            tuple(dict.fromkeys((one.name[1:], basis[0] + one.name, *_tnm_code(one, basis)))),
            includes=tuple(n for n in narrower(f"tnm_{part}", one.name) if n != one.name),
            is_apart=one.name.endswith("X"),
        )
        for one in group(f"tnm_{part}")
    )


def _tnm_code(one: Term, basis: str) -> tuple[str, ...]:
    """A concept with two codes has the clinical one first; one with one has the pathological."""
    both = (one.codes.get("EUCAIM", ""), *(code.partition(":")[2] for code in one.same_as))
    known = both if len(both) == 2 else ("", both[0])
    return tuple(code for code in (known[_BASES.index(basis)],) if code)


_BASES = ("clinical", "pathological")
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
