"""What findings of images say, in English, with the evidence they name in braces. Data."""

from typing import Final

TEXTS: Final[dict[str, tuple[str, str, str]]] = {
    "near-subjects": (
        "Q-UNI-04",
        "Two subjects have the same picture in another encoding, window or crop "
        "(sameness {sameness})",
        "Find out whose images they are: one person under two identifiers, or a misfiled image",
    ),
    "near-studies": (
        "Q-UNI-04",
        "Two studies of one subject have the same picture in another encoding, window "
        "or crop (sameness {sameness})",
        "If it is one examination that was stored twice, keep the one with the original pixels",
    ),
    "slices-sheared": (
        "Q-GEO-05",
        "Slices are shifted against each other: the stack leans by {angle_degrees} "
        "degrees (gantry tilt)",
        "Resample to a straight grid before the series is treated as a volume",
    ),
    "tilt-not-in-orientation": (
        "Q-GEO-05",
        "GantryDetectorTilt is {tilt_degrees} degrees, but the slices are stated to be upright",
        "Compare with the source: orientation or tilt was lost or changed",
    ),
    "spacing-disagrees": (
        "Q-GEO-06",
        "SpacingBetweenSlices is {stated_mm} mm, the slices lie {step_mm} mm apart",
        "Use the positions; slices may be missing at regular places",
    ),
    "thickness-gap": (
        "Q-GEO-06",
        "Slices are {thickness_mm} mm thick and {step_mm} mm apart: what lies between "
        "is not imaged",
        "Nothing, if it was planned so; volumes of small lesions are uncertain",
    ),
    "thickness-overlap": (
        "Q-GEO-06",
        "Slices are {thickness_mm} mm thick and only {step_mm} mm apart",
        "Nothing, if it was planned so; else compare SliceThickness with the source",
    ),
    "phases-few": (
        "Q-SER-01",
        "A dynamic acquisition has {n_phases} phase(s); {n_wanted} are the fewest that "
        "show an uptake",
        "Send the missing phases from the PACS, or leave the series out of dynamic analysis",
    ),
    "phases-missing": (
        "Q-SER-01",
        "Phases missing: {n_missing} (number {phases})",
        "Send the series again from the PACS and compare the number of images",
    ),
    "phases-uneven": (
        "Q-SER-01",
        "Phases follow each other at uneven times: {step_s} s as a rule, up to {longest_s} s",
        "Nothing, if it was planned so; use the times, not the number of the phase",
    ),
    "adc-without-dwi": (
        "Q-SER-02",
        "There is an ADC map, but no diffusion series in its study",
        "Send the diffusion series from the PACS; the map cannot be verified without it",
    ),
    "b-unstated": (
        "Q-SER-02",
        "A diffusion series states no b-value",
        "Keep DiffusionBValue, or the vendor's element for it, when exporting and de-identifying",
    ),
    "b-partly": (
        "Q-SER-02",
        "Images without b-value in a series whose other images state theirs: "
        "{n_without} of {n_images}",
        "Export the series again from the scanner or PACS",
    ),
    "b-missing": (
        "Q-SER-02",
        "The description names b-values that no image has: {lost} (found: {b_values})",
        "Send the series again from the PACS and compare the number of images",
    ),
    "b-private": (
        "Q-SER-02",
        "b-values stand only in the vendor's private element {tag}",
        "Keep the element when de-identifying, or copy its value to DiffusionBValue",
    ),
    "value-impossible": (
        "Q-HDR-01",
        "{attribute} is {value}; it must be {wanted}",
        "Correct {attribute} at the source, or empty it",
    ),
    "value-unlikely": (
        "Q-HDR-01",
        "{attribute} is {value}; expected is {wanted}",
        "Look at {attribute} at the source: wrong unit, or typing error",
    ),
    "date-future": (
        "Q-HDR-02",
        "An image is dated in the future: {day}",
        "Correct the date at the source; look at the clock of the scanner",
    ),
    "date-too-early": (
        "Q-HDR-02",
        "An image is dated before there were digital images: {day}",
        "Nothing, if dates were shifted; else the date stands for an unknown one, or "
        "the clock was wrong",
    ),
    "date-before-birth": (
        "Q-HDR-02",
        "The image is older than the person: {day} lies before the date of birth",
        "Find out whose image it is; correct the date at the source",
    ),
    "age-not-from-dates": (
        "Q-HDR-02",
        "PatientAge is {age} years; from the dates of birth and study it would be {computed}",
        "Correct age or dates at the source",
    ),
    "acquired-apart": (
        "Q-HDR-02",
        "The study is of {day}, its images were acquired on {taken}",
        "Look at the source: images of another day may have slipped in",
    ),
    "suv-inputs": (
        "Q-HDR-03",
        "No SUV can be computed; missing: {attribute}",
        "Keep {attribute} when exporting and de-identifying",
    ),
    "suv-dose": (
        "Q-HDR-03",
        "RadionuclideTotalDose is {dose_bq} Bq; expected is 1 MBq to 5 GBq",
        "Look at the source: the dose may be in MBq",
    ),
    "suv-not-attenuated": (
        "Q-HDR-03",
        "The series is not corrected for attenuation; its values give no SUV",
        "Nothing; use the corrected series for measurements",
    ),
    "body-part-disagrees": (
        "Q-HDR-04",
        "BodyPartExamined is {body_part}, but the description speaks of {written}: “{words}”",
        "Look at the picture and correct BodyPartExamined",
    ),
    "laterality-disagrees": (
        "Q-HDR-05",
        "Laterality is {laterality}, but the description says {written}",
        "Look at the picture and correct the side",
    ),
    "laterality-absent": (
        "Q-HDR-05",
        "{modality} without side: {n_images}",
        "Keep ImageLaterality when exporting and de-identifying",
    ),
    "header-sexes": (
        "Q-HDR-06",
        "Images of the subject state both sexes",
        "Find out whose images they are; correct PatientSex or the identifier at the source",
    ),
    "header-births": (
        "Q-HDR-06",
        "Images of the subject state {n_dates} dates of birth",
        "Find out whose images they are; correct the date or the identifier at the source",
    ),
    "header-ages": (
        "Q-HDR-06",
        "Ages and dates of the subject's studies do not fit one person: {years} years apart",
        "Find out whose images they are; correct age, date or identifier at the source",
    ),
    "pictures-empty": (
        "Q-IMG-01",
        "Each decoded picture of the series has one value only",
        "Export the series again from the PACS",
    ),
    "picture-empty": (
        "Q-IMG-01",
        "Decoded pictures with one value only: {n_images} of {n_looked}",
        "Nothing, if they lie outside the body",
    ),
    "noisy-ct": (
        "Q-IMG-02",
        "Noise is {noise} HU; above {limit} HU soft tissues cannot be told apart",
        "Look at the pictures; use a smoother reconstruction when there is one",
    ),
    "noisy": (
        "Q-IMG-02",
        "Signal over noise of {modality} is {snr}; below {limit} little can be seen",
        "Look at the pictures before the series is used",
    ),
    "ghosts": (
        "Q-IMG-03",
        "Background is brighter along one axis, by {percent} % of the signal: motion or flow",
        "Look at the pictures before the series is measured",
    ),
    "body-cut-off": (
        "Q-IMG-04",
        "The body reaches the edge of the picture along {percent} % of it",
        "Nothing for a targeted reconstruction; not fit for body composition or attenuation",
    ),
    "saturated": (
        "Q-IMG-05",
        "{percent} % of the foreground has the highest value: the picture was cut off "
        "or saved through a window",
        "Get the original pixels from the PACS",
    ),
    "metal": (
        "Q-IMG-06",
        "Metal in the picture, which makes streaks: {n_images} of {n_looked} pictures",
        "Nothing; leave the series out of texture measurements near the metal",
    ),
}
"""Kind of finding → check, message and mend."""
