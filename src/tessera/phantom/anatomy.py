"""Anatomy-like label volumes and lesions. Pure; mm, axes LPS, arrays (slice, row, column).

A region is a list of ellipsoids painted one over another; every modality reads
the same labels, so that CT, MR and PET of a patient show the same organs.
"""

from dataclasses import dataclass

import numpy as np

AIR, FAT, MUSCLE, BONE, LUNG, LIVER, SPLEEN, KIDNEY, FLUID, BLOOD = range(10)
PROSTATE, GREY, WHITE, GLAND, GAS, BOWEL, ZONE = range(10, 17)
"""Tissues. ZONE is the peripheral zone of the prostate."""
_LONG = 1e6


@dataclass(frozen=True, slots=True)
class Grid:
    """A regular grid centred on the region: pixel size and slice spacing in mm."""

    slices: int
    rows: int
    columns: int
    pixel_mm: float
    spacing_mm: float

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.slices, self.rows, self.columns)

    def axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """z, y, x of the voxel centres, shaped to broadcast."""
        z = (np.arange(self.slices, dtype=np.float32) - (self.slices - 1) / 2) * self.spacing_mm
        y = (np.arange(self.rows, dtype=np.float32) - (self.rows - 1) / 2) * self.pixel_mm
        x = (np.arange(self.columns, dtype=np.float32) - (self.columns - 1) / 2) * self.pixel_mm
        return z[:, None, None], y[None, :, None], x[None, None, :]

    def origin(self, index: int) -> tuple[float, float, float]:
        """ImagePositionPatient of slice `index`: x, y, z of its first voxel."""
        return (
            -(self.columns - 1) / 2 * self.pixel_mm,
            -(self.rows - 1) / 2 * self.pixel_mm,
            (index - (self.slices - 1) / 2) * self.spacing_mm,
        )


_Shape = tuple[int, tuple[float, float, float], tuple[float, float, float]]
"""Tissue, centre (x, y, z), half axes (x, y, z)."""

_SPINE: tuple[_Shape, ...] = (
    (BONE, (0, 72, 0), (20, 17, _LONG)),
    (FLUID, (0, 84, 0), (7, 6, _LONG)),
    (BONE, (0, 98, 0), (5, 10, _LONG)),
)
_TRUNK: tuple[_Shape, ...] = (
    (FAT, (0, 5, 0), (172, 118, _LONG)),
    (MUSCLE, (0, 5, 0), (154, 102, _LONG)),
)
REGIONS: dict[str, tuple[_Shape, ...]] = {
    "chest": (
        *_TRUNK,
        (FAT, (0, -8, 0), (140, 88, _LONG)),
        (LUNG, (-74, -2, 10), (58, 78, 150)),
        (LUNG, (74, -2, 10), (58, 78, 150)),
        (BLOOD, (22, -30, -35), (54, 46, 58)),
        (BLOOD, (12, 44, 0), (12, 12, _LONG)),
        (BLOOD, (-14, -12, 60), (15, 15, 60)),
        (AIR, (0, 12, 80), (9, 8, 70)),
        (LIVER, (-70, -8, -128), (78, 72, 52)),
        *_SPINE,
        (BONE, (0, -90, 0), (17, 6, _LONG)),
    ),
    "abdomen": (
        *_TRUNK,
        (FAT, (0, -5, 0), (138, 84, _LONG)),
        (LIVER, (-68, -14, 45), (78, 66, 72)),
        (SPLEEN, (98, 22, 55), (32, 42, 46)),
        (BOWEL, (52, -42, 40), (44, 32, 36)),
        (GAS, (54, -56, 42), (24, 12, 20)),
        (BOWEL, (0, -12, 8), (58, 15, 15)),
        (KIDNEY, (-64, 42, -18), (27, 26, 54)),
        (KIDNEY, (64, 42, -10), (27, 26, 54)),
        (BOWEL, (-108, 0, -60), (24, 24, 62)),
        (GAS, (-108, -6, -58), (10, 10, 48)),
        (BOWEL, (106, 6, -60), (22, 22, 66)),
        (GAS, (106, 2, -60), (9, 10, 50)),
        (BOWEL, (-30, -36, -70), (44, 26, 34)),
        (BOWEL, (36, -38, -62), (42, 24, 30)),
        (GAS, (38, -46, -60), (14, 9, 16)),
        (BLOOD, (12, 46, 0), (10, 10, _LONG)),
        (BLOOD, (-14, 46, 0), (11, 9, _LONG)),
        *_SPINE,
    ),
    "pelvis": (
        *_TRUNK,
        (FAT, (0, 0, 0), (98, 74, _LONG)),
        (MUSCLE, (0, 8, -60), (76, 62, 60)),
        (BONE, (-112, 8, 10), (28, 44, 90)),
        (BONE, (112, 8, 10), (28, 44, 90)),
        (BONE, (-108, 2, -20), (25, 25, 26)),
        (BONE, (108, 2, -20), (25, 25, 26)),
        (BONE, (0, -72, -28), (40, 9, 15)),
        (BONE, (0, 88, 30), (38, 15, 60)),
        (BOWEL, (0, 52, 0), (19, 16, 110)),
        (GAS, (0, 50, 0), (8, 6, 90)),
        (FLUID, (0, -26, 26), (40, 30, 26)),
        (BOWEL, (-44, -34, 66), (38, 26, 22)),
        (BOWEL, (40, -34, 66), (38, 26, 22)),
    ),
    "brain": (
        (FAT, (0, 0, 0), (81, 98, 96)),
        (BONE, (0, 0, 0), (76, 93, 90)),
        (FLUID, (0, 0, 0), (69, 86, 82)),
        (GREY, (0, 0, 0), (66, 83, 79)),
        (WHITE, (-30, 0, 4), (27, 66, 62)),
        (WHITE, (30, 0, 4), (27, 66, 62)),
        (GREY, (-20, -4, 0), (11, 17, 13)),
        (GREY, (20, -4, 0), (11, 17, 13)),
        (FLUID, (-9, -14, 12), (6, 24, 11)),
        (FLUID, (9, -14, 12), (6, 24, 11)),
        (FLUID, (-16, 22, 8), (6, 16, 9)),
        (FLUID, (16, 22, 8), (6, 16, 9)),
    ),
    "breast": (
        (FAT, (0, 118, 0), (168, 92, _LONG)),
        (MUSCLE, (0, 122, 0), (150, 80, _LONG)),
        (LUNG, (-76, 130, 0), (56, 58, _LONG)),
        (LUNG, (76, 130, 0), (56, 58, _LONG)),
        (BLOOD, (18, 100, 0), (46, 40, 46)),
        (FAT, (-78, 10, 0), (62, 78, 72)),
        (FAT, (78, 10, 0), (62, 78, 72)),
        (GLAND, (-78, -6, 0), (34, 50, 44)),
        (GLAND, (78, -6, 0), (34, 50, 44)),
    ),
}
_PROSTATE: tuple[_Shape, ...] = (
    (ZONE, (0, 12, -12), (27, 20, 22)),
    (PROSTATE, (0, 7, -10), (19, 14, 18)),
)
_CENTRES: dict[str, tuple[float, float, float]] = {
    "prostate": (12, 20, -12),
    "breast": (74, -14, 4),
    "lung": (78, -8, 30),
    "colon": (108, 0, -50),
    "rectum": (8, 46, -6),
    "liver": (-76, -10, 42),
    "brain": (30, -12, 22),
    "pancreas": (-16, -14, 8),
    "kidney": (68, 42, -2),
    "bladder": (20, -28, 26),
    "stomach": (66, -40, 44),
}
"""Where a lesion sits; x is for the left side (LPS), mirrored for organs that come in pairs."""
_PAIRED = frozenset({"prostate", "breast", "lung", "rectum", "brain", "kidney", "bladder", "colon"})
FIELD_MM = {"chest": 400, "abdomen": 400, "pelvis": 400, "brain": 240, "breast": 360}


def lesion_centre(concept: str, side: int, rng: np.random.Generator) -> tuple[float, float, float]:
    """x, y, z of the lesion in mm, jittered by a few mm."""
    x, y, z = _CENTRES[concept]
    jitter = rng.uniform(-3, 3, 3)
    return (
        (x * side if concept in _PAIRED else x) + float(jitter[0]),
        y + float(jitter[1]),
        z + float(jitter[2]),
    )


def label_volume(region: str, grid: Grid, *, sex: str, build: float) -> np.ndarray:
    """Tissue of each voxel as uint8; `build` scales the body (1.0 is average)."""
    shapes = REGIONS[region]
    if region == "pelvis" and sex == "male":
        shapes = (*shapes, *_PROSTATE)
    z, y, x = grid.axes()
    labels = np.zeros(grid.shape, dtype=np.uint8)
    for tissue, (cx, cy, cz), (rx, ry, rz) in shapes:
        columns = _within(x.ravel(), cx * build, rx * build)
        rows = _within(y.ravel(), cy * build, ry * build)
        slices = _within(z.ravel(), cz, rz)
        if not (columns and rows and slices):
            continue
        s, r, c = (slice(a[0], a[-1] + 1) for a in (slices, rows, columns))
        inside = (
            ((z[s] - cz) / rz) ** 2
            + ((y[:, r] - cy * build) / (ry * build)) ** 2
            + ((x[:, :, c] - cx * build) / (rx * build)) ** 2
        ) <= 1
        labels[s, r, c][inside] = tissue
    if region == "chest":
        _ribs(labels, grid, build)
    return labels


def _within(axis: np.ndarray, centre: float, half: float) -> list[int]:
    """First and last index of the axis inside centre ± half; empty when there is none."""
    found = np.flatnonzero(np.abs(axis - centre) <= half)
    return [int(found[0]), int(found[-1])] if found.size else []


def _ribs(labels: np.ndarray, grid: Grid, build: float) -> None:
    """Slanting rings of bone in the chest wall, every 26 mm."""
    z, y, x = grid.axes()
    radius = np.sqrt((x / (148 * build)) ** 2 + ((y - 2) / (95 * build)) ** 2)
    ring = (radius > 0.94) & (radius < 1.03)
    level = (z - 0.35 * y) % 26 < 8
    labels[ring & level & (labels != AIR)] = BONE


def lesion_mask(
    grid: Grid, centre: tuple[float, float, float], diameter_mm: float, rng: np.random.Generator
) -> np.ndarray:
    """How much of each voxel is lesion, 0 to 1 (float32): a lobed, soft-edged ball."""
    z, y, x = grid.axes()
    dx, dy, dz = x - centre[0], y - centre[1], z - centre[2]
    reach = diameter_mm / 2
    near = [_within(a.ravel(), 0, reach * 1.5 + 8) for a in (dz, dy, dx)]
    mask = np.zeros(grid.shape, dtype=np.float32)
    if not all(near):
        return mask
    s, r, c = (slice(a[0], a[-1] + 1) for a in near)
    dz, dy, dx = dz[s], dy[:, r], dx[:, :, c]
    distance = np.sqrt(dx**2 + dy**2 + dz**2)
    phase = rng.uniform(0, 2 * np.pi, 2)
    angle = np.arctan2(dy, dx)
    lobes = 1 + 0.10 * np.sin(3 * angle + phase[0]) + 0.06 * np.sin(5 * angle + phase[1])
    edge = np.maximum(0.6 * grid.pixel_mm, 0.8)
    soft = 1 / (1 + np.exp(np.clip((distance - reach * lobes) / edge * 2, -30, 30)))
    mask[s, r, c] = soft
    return mask


def smooth_field(rng: np.random.Generator, shape: tuple[int, ...], cell: int) -> np.ndarray:
    """Random texture with mean 0, spread about 1, smooth over `cell` voxels (float32)."""
    coarse = tuple(max(2, size // cell + 2) for size in shape)
    field = rng.standard_normal(coarse, dtype=np.float32)
    for axis, size in enumerate(shape):
        place = np.linspace(0, coarse[axis] - 1.001, size, dtype=np.float32)
        low = place.astype(np.intp)
        weight = (place - low).reshape([-1 if a == axis else 1 for a in range(len(shape))])
        field = np.take(field, low, axis) * (1 - weight) + np.take(field, low + 1, axis) * weight
    return field


def blur_in_plane(volume: np.ndarray) -> np.ndarray:
    """Each voxel averaged with its four neighbours in the slice: partial volume at edges."""
    out = volume * np.float32(0.5)
    out[..., 1:, :] += volume[..., :-1, :] * np.float32(0.125)
    out[..., :-1, :] += volume[..., 1:, :] * np.float32(0.125)
    out[..., :, 1:] += volume[..., :, :-1] * np.float32(0.125)
    out[..., :, :-1] += volume[..., :, 1:] * np.float32(0.125)
    out[..., 0, :] += volume[..., 0, :] * np.float32(0.125)
    out[..., -1, :] += volume[..., -1, :] * np.float32(0.125)
    out[..., :, 0] += volume[..., :, 0] * np.float32(0.125)
    out[..., :, -1] += volume[..., :, -1] * np.float32(0.125)
    return out
