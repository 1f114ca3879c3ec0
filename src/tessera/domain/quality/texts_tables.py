"""What findings of tables say, in English, with the evidence they name in braces. Data."""

from typing import Final

TEXTS: Final[dict[str, tuple[str, str, str]]] = {
    "person-twice": (
        "Q-UNI-05",
        "Two subjects agree in what seldom agrees by chance: {values}",
        "Find out whether it is one person under two identifiers; merge them at the source",
    ),
    "column-sparse": (
        "Q-TAB-01",
        "{column} has no value in {percent} % of the rows",
        "Map the source column that holds it, or say in the description that it is not known",
    ),
    "columns-empty": (
        "Q-TAB-01",
        "Columns without any value: {columns}",
        "Nothing; a search by them says “not supported”",
    ),
    "table-value": (
        "Q-TAB-02",
        "{column} is {value}; it must be {wanted}",
        "Correct the value at the source, or its unit in the mapping",
    ),
    "diagnosis-after-death": (
        "Q-TAB-03",
        "The cancer was diagnosed {days} days after death",
        "Correct the dates at the source; a finding at autopsy is dated to the day of death",
    ),
    "after-last-contact": (
        "Q-TAB-03",
        "The cancer was diagnosed {days} days after the last contact",
        "Bring the date of last contact up to date at the source",
    ),
    "ends-before-begin": (
        "Q-TAB-03",
        "{column} lies {days} days before its beginning",
        "Correct the dates at the source",
    ),
    "event-after-death": (
        "Q-TAB-03",
        "{column} lies {days} days after death",
        "Correct the dates at the source",
    ),
    "survival-disagrees": (
        "Q-TAB-04",
        "survival_days is {survival_days}; from the dates it would be {computed}",
        "Correct the dates, or the rule in the mapping",
    ),
    "ages-disagree": (
        "Q-TAB-04",
        "Ages at two diagnoses are {age} years apart, their dates {computed}",
        "Correct the ages or dates at the source",
    ),
    "sex-against-organ": (
        "Q-TAB-05",
        "A {sex} subject has cancer of {cancer} ({topography})",
        "Correct sex or diagnosis at the source",
    ),
    "psa-of-woman": (
        "Q-TAB-05",
        "A woman has a PSA of {psa_ng_ml} ng/mL",
        "Correct sex or laboratory value at the source",
    ),
    "gleason-elsewhere": (
        "Q-TAB-05",
        "A Gleason score of {gleason} is stated for cancer of {cancer}",
        "Correct the diagnosis, or the column in the mapping",
    ),
    "receptor-elsewhere": (
        "Q-TAB-05",
        "Receptors of breast cancer are stated for cancer of {cancer}",
        "Correct the diagnosis, or the column in the mapping",
    ),
    "topography-disagrees": (
        "Q-TAB-06",
        "The cancer is {cancer}, its topography {topography}",
        "Correct one of them at the source",
    ),
    "icd10-disagrees": (
        "Q-TAB-06",
        "ICD-10 is {icd10}, topography {topography}",
        "Correct one of them at the source",
    ),
    "morphology-elsewhere": (
        "Q-TAB-06",
        "Morphology {morphology} ({name}) begins in {sites}, not in {topography}",
        "Correct the codes; a metastasis is coded with the site of its primary tumour",
    ),
    "behaviour-metastatic": (
        "Q-TAB-06",
        "A primary cancer has the morphology of a metastasis: {morphology}",
        "Set behaviour /3, or call the condition secondary",
    ),
    "in-situ-staged": (
        "Q-TAB-06",
        "A tumour in situ ({morphology}) has stage {stage}",
        "Correct behaviour or stage at the source",
    ),
    "behaviour-benign": (
        "Q-TAB-06",
        "A subject with cancer has a benign tumour: {morphology}",
        "Correct the morphology, or the subject's population",
    ),
    "tnm-misplaced": (
        "Q-TAB-07",
        "{value} stands in the column of another category (TNM {tnm})",
        "Correct the columns in the mapping",
    ),
    "stage-against-tnm": (
        "Q-TAB-07",
        "Stage {stage} of {cancer} does not follow from {tnm}; possible: {possible} "
        "(edition {edition})",
        "Correct TNM or stage at the source, or state the edition",
    ),
    "key-twice": (
        "Q-TAB-08",
        "The key {key} of {column} is there more than once",
        "Build the tables again from the source",
    ),
    "key-lost": (
        "Q-TAB-08",
        "{column} names a row of {table} that is not there",
        "Build the tables again from the source",
    ),
    "rows-twice": (
        "Q-TAB-09",
        "Rows of {table} that are there already: {n_rows}",
        "Remove the repeated rows at the source",
    ),
    "cells-missing": (
        "Q-TAB-10",
        "Column “{column}” is empty in {percent} % of the rows",
        "Nothing, if the value is not asked of all; else fill it at the source",
    ),
    "cells-no-value": (
        "Q-TAB-10",
        "Column “{column}” says “{value}” where there is no value: {n_rows} rows",
        "Leave the cell empty, or name the word as missing in the mapping",
    ),
    "cells-no-date": (
        "Q-TAB-11",
        "Column “{column}” holds what is no date: {n_rows} rows, for example “{value}”",
        "Correct the dates at the source",
    ),
    "cells-future": (
        "Q-TAB-11",
        "Column “{column}” holds dates in the future: {n_rows} rows, for example {value}",
        "Correct the dates at the source",
    ),
    "cells-no-number": (
        "Q-TAB-11",
        "Column “{column}” of numbers holds what is none: {n_rows} rows",
        "Correct the cells at the source",
    ),
    "cells-out-of-line": (
        "Q-TAB-11",
        "Column “{column}” holds numbers out of line: {value} (usual is {usual})",
        "Look at them at the source: wrong unit, or typing error",
    ),
    "sex-of-header": (
        "Q-LNK-04",
        "The table says {sex}, the images say {header}",
        "Find out whose images they are; correct the sex or the identifier at the source",
    ),
    "age-of-header": (
        "Q-LNK-05",
        "PatientAge is {age} years; from the table it would be {computed}",
        "Find out whose images they are; correct age or dates at the source",
    ),
    "imaged-after-death": (
        "Q-LNK-06",
        "An image was taken {days} days after death",
        "Find out whose image it is; correct the dates at the source",
    ),
    "imaged-long-before": (
        "Q-LNK-06",
        "All images were taken {days} days or more before the diagnosis",
        "Look at the dates; images at diagnosis may be missing",
    ),
    "imaged-long-after": (
        "Q-LNK-06",
        "All images were taken {days} days or more after the diagnosis",
        "Nothing, if they are of follow-up; else images at diagnosis are missing",
    ),
    "organ-not-imaged": (
        "Q-LNK-07",
        "The cancer is of {cancer}, the images are of {body_part}",
        "Find out whose images they are, or which are missing",
    ),
    "side-not-imaged": (
        "Q-LNK-08",
        "The cancer is on side {laterality}, the images are of side {header}",
        "Look at side of image and of diagnosis at the source",
    ),
    "procedure-not-imaged": (
        "Q-LNK-09",
        "The table names {procedure}, but there is no {modality} (there is: {header})",
        "Send the images, or correct the procedure",
    ),
}
"""Kind of finding → check, message and mend."""
