"""CT, MR and PET series as stacks of slices with true geometry.

Sources: PS3.3 A.3, C.8.2 (CT); A.4, C.8.3 (MR); A.21, C.8.9 (PET); slopes and
half life as SUV calculation needs them (QIBA vendor-neutral SUV pseudo-code).
"""

from collections.abc import Callable, Iterable

import numpy as np
from pydicom.dataset import Dataset as DicomDataset

from tessera.phantom.anatomy import (
    FIELD_MM,
    Grid,
    label_volume,
    lesion_centre,
    lesion_mask,
)
from tessera.phantom.encode import Element, Frame, decimals, text, unsigned
from tessera.phantom.images import (
    Bench,
    Instance,
    SeriesImages,
    image_header,
    instance_uid,
    numbered,
    pixel_header,
)
from tessera.phantom.plan import SeriesPlan
from tessera.phantom.protocols import ct_protocol, diffusion_elements, mr_protocol, pet_protocol
from tessera.phantom.signal import Scene, ct_hu, diffusion, dynamic, suv, t2_signal
from tessera.phantom.streams import stream

CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"
MR_CLASS = "1.2.840.10008.5.1.4.1.1.4"
PT_CLASS = "1.2.840.10008.5.1.4.1.1.128"
_MR_FIELD_MM = {"pelvis": 200, "brain": 230, "breast": 340}
_MR_EXTENT_MM = {"pelvis": 74, "brain": 140, "breast": 120}
FDG_HALF_LIFE_S = 6586.2
"""Fluorine-18. Source: PS3.16 has no value; NIST SP 250-98 gives 6586.2 s (109.77 min)."""


def ct_grid(bench: Bench) -> Grid:
    """Same for the CT and the PET of a study, so that slices match."""
    low, high = bench.sizes.ct_slices
    slices = int(stream(bench.study.study_uid, "slices").integers(low, high + 1))
    pixel = FIELD_MM[bench.study.region] / bench.sizes.matrix
    return Grid(slices, bench.sizes.matrix, bench.sizes.matrix, pixel, bench.sizes.ct_spacing_mm)


def pet_grid(bench: Bench) -> Grid:
    grid, matrix = ct_grid(bench), min(bench.sizes.matrix, 256)
    return Grid(grid.slices, matrix, matrix, 520 / matrix, grid.spacing_mm)


def mr_grid(bench: Bench, slices: int) -> Grid:
    region, matrix = bench.study.region, bench.sizes.matrix
    return Grid(
        slices, matrix, matrix, _MR_FIELD_MM[region] / matrix, _MR_EXTENT_MM[region] / slices
    )


def centre_mm(bench: Bench) -> tuple[float, float, float]:
    """Where this patient's lesion sits; the same in every study and series."""
    side = bench.study.lesion.side if bench.study.lesion else 1
    rng = stream(bench.patient.person.patient_id, "lesion place")
    return lesion_centre(bench.patient.concept, side, rng)


def scene(bench: Bench, grid: Grid) -> Scene:
    """Labels and lesion of the study on a grid."""
    person, lesion = bench.patient.person, bench.study.lesion
    index = person.weight_kg / (person.height_cm / 100) ** 2
    build = float(np.clip(np.sqrt(index / 26), 0.9, 1.12))
    mask = None
    if lesion is not None:
        shape = stream(person.patient_id, "lesion shape")
        mask = lesion_mask(grid, centre_mm(bench), lesion.diameter_mm, shape)
    return Scene(
        grid=grid,
        labels=label_volume(bench.study.region, grid, sex=person.sex, build=build),
        lesion=mask,
        concept=bench.patient.concept,
        intensity=lesion.intensity if lesion else 0.0,
    )


def draw_ct(bench: Bench, series: SeriesPlan, header: DicomDataset) -> SeriesImages:
    """A CT volume: stored value = HU + 1024, 12 bits."""
    grid = ct_grid(bench)
    view = scene(bench, grid)
    contrast = bench.patient.screening != "low-dose-ct"
    volume = ct_hu(view, bench.rng, contrast=contrast) + 1024
    image_header(header, grid, grid.spacing_mm)
    ct_protocol(header, grid, contrast=contrast)
    pixel_header(header, grid.shape[1:], bits_allocated=16, bits_stored=12)
    return _stack(
        bench, series, header, CT_CLASS, view, [np.clip(volume, 0, 4095)], lambda *_: (), 0.35
    )


def draw_mr(bench: Bench, series: SeriesPlan, header: DicomDataset) -> SeriesImages:
    """One MR series: T2w, DWI with all b-values, ADC map, or DCE with all phases."""
    main = series.kind == "t2w"
    grid = mr_grid(bench, bench.sizes.mr_slices if main else bench.sizes.mr_extra_slices)
    view = scene(bench, grid)
    image_header(header, grid, grid.spacing_mm)
    n_phases = len(series.b_values) or series.phases
    mr_protocol(header, series, grid, n_phases)
    pixel_header(header, grid.shape[1:], bits_allocated=16, bits_stored=12)
    if series.kind == "t2w":
        volumes = [t2_signal(view, bench.rng)]
    elif series.kind == "dce":
        volumes = dynamic(view, bench.rng, series.phases)
    else:
        # The map of a study belongs to its own DWI: same stream for both.
        own = stream(bench.study.study_uid, "diffusion")
        volumes, adc = diffusion(view, own, series.b_values or (0, 800))
        volumes = [adc] if series.kind == "adc" else volumes

    def elements(phase: int, index: int) -> tuple[Element, ...]:
        if series.kind == "dwi":
            return diffusion_elements(header, series.vendor, series.b_values[phase])
        if series.kind == "dce":
            return (text(0x00200100, "IS", str(phase + 1)),)
        return ()

    stored = [np.clip(v, 0, 4095) for v in volumes]
    return _stack(bench, series, header, MR_CLASS, view, stored, elements, 2.0)


def draw_pt(bench: Bench, series: SeriesPlan, header: DicomDataset) -> SeriesImages:
    """A PET volume in Bq/mL, decay corrected to the start of the series, own slope per slice."""
    grid = pet_grid(bench)
    view = scene(bench, grid)
    uptake, peak = suv(view, bench.rng)
    image_header(header, grid, grid.spacing_mm)
    dose_bq, waited_s = pet_protocol(header, bench, grid, FDG_HALF_LIFE_S)
    pixel_header(header, grid.shape[1:], bits_allocated=16, bits_stored=16)
    decayed = dose_bq * 0.5 ** (waited_s / FDG_HALF_LIFE_S)
    activity = uptake * np.float32(decayed / (bench.patient.person.weight_kg * 1000))
    slopes = [max(float(part.max()), 1.0) / 32767 for part in activity]
    stored = np.stack(
        [np.round(part / np.float32(s)) for part, s in zip(activity, slopes, strict=True)]
    )

    def elements(phase: int, index: int) -> tuple[Element, ...]:
        # Up to 16 characters hold a slope to 9 digits; less would bend the SUV.
        return (
            text(0x00281053, "DS", f"{slopes[index]:.9g}"),
            unsigned(0x00541330, grid.slices - index),
        )

    images = _stack(bench, series, header, PT_CLASS, view, [stored], elements, 0.0)
    if bench.study.lesion is not None:
        images.facts["suv_peak"] = round(peak, 2)
    return images


def _stack(
    bench: Bench,
    series: SeriesPlan,
    header: DicomDataset,
    sop_class: str,
    view: Scene,
    volumes: Iterable[np.ndarray],
    elements: Callable[[int, int], tuple[Element, ...]],
    step_s: float,
) -> SeriesImages:
    """Slices of one or more volumes (phases, b-values) as instances, head first."""
    grid = view.grid
    start = str(header.SeriesTime)
    shift = table_shift(bench)
    bits = int(header.BitsStored)
    instances = []
    number = 0
    for phase, volume in enumerate(volumes):
        stored = volume.astype(np.uint16)
        for index in range(grid.slices - 1, -1, -1):
            number += 1
            x, y, z = (a + b for a, b in zip(grid.origin(index), shift, strict=True))
            varying = (
                *numbered(number, phase + 1, start, step_s * number),
                decimals(0x00200032, (x, y, z)),
                decimals(0x00201041, (z,)),
                *elements(phase, index),
            )
            instances.append(
                Instance(
                    uid=instance_uid(series, number),
                    number=number,
                    varying=varying,
                    frame=Frame(stored[index], bits),
                )
            )
    mask = None if view.lesion is None else view.lesion > 0.5
    return SeriesImages(
        plan=series,
        sop_class=sop_class,
        header=header,
        instances=instances,
        grid=grid,
        mask=mask if mask is not None and mask.any() else None,
    )


def table_shift(bench: Bench) -> tuple[float, float, float]:
    """Offset of the region's centre in the frame of reference of the study, mm."""
    rng = stream(bench.study.study_uid, "table")
    return (0.0, round(float(rng.uniform(-40, -20)), 1), round(float(rng.uniform(-900, -200)), 1))
