"""What each modality measures in each tissue, and the volumes that come of it. Pure.

Values are typical of the literature, good enough that images look right and that
size, contrast, diffusion and uptake of the lesion follow the disease.
"""

from dataclasses import dataclass

import numpy as np

from tessera.phantom.anatomy import Grid, blur_in_plane, smooth_field

# Tissues in the order of `anatomy`: air fat muscle bone lung liver spleen kidney fluid
# blood prostate grey white gland gas bowel zone
_HU = (-1000, -100, 55, 420, -830, 60, 55, 40, 5, 45, 45, 38, 30, 40, -950, 42, 42)
"""Hounsfield units without contrast agent."""
_HU_CONTRAST = (0, 0, 10, 0, 8, 52, 70, 120, 0, 120, 25, 3, 2, 15, 0, 25, 22)
"""What the portal venous phase adds."""
_T2 = (0, 0.62, 0.24, 0.14, 0.05, 0.34, 0.55, 0.66, 1.0, 0.08, 0.42, 0.62, 0.45, 0.5, 0, 0.5, 0.8)
_DWI = (0, 0.06, 0.24, 0.1, 0.03, 0.34, 0.6, 0.6, 1.0, 0.1, 0.42, 0.62, 0.45, 0.4, 0, 0.3, 0.6)
"""Signal at b = 0 with fat suppressed."""
_ADC = (0, 250, 1350, 600, 900, 1150, 850, 2000, 2950, 1500, 1350, 870, 760, 1850, 0, 1600, 1750)
"""Apparent diffusion coefficient, 1e-6 mm²/s."""
_UPTAKE = (0, 0.04, 0.2, 0.1, 0.05, 0.5, 0.7, 0.9, 0.0, 1.0, 0.4, 0.12, 0.08, 0.3, 0, 0.4, 0.35)
"""Contrast enhancement in T1, at its height."""
_SUV = (0, 0.3, 0.7, 1.0, 0.4, 2.1, 1.8, 2.6, 1.0, 1.7, 1.6, 7.5, 3.6, 0.9, 0, 1.2, 1.5)
"""Standardised uptake of FDG by body weight, g/mL."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Labels and lesion on one grid. `lesion` is a fraction per voxel, or None without lesion."""

    grid: Grid
    labels: np.ndarray
    lesion: np.ndarray | None
    concept: str
    intensity: float

    def mix(self, table: tuple[float, ...], lesion_value: float) -> np.ndarray:
        """Tissue values of `table` with the lesion blended in, blurred in plane (float32)."""
        volume = np.asarray(table, dtype=np.float32)[self.labels]
        if self.lesion is not None:
            volume += self.lesion * (np.float32(lesion_value) - volume)
        return blur_in_plane(volume)


def ct_hu(scene: Scene, rng: np.random.Generator, *, contrast: bool) -> np.ndarray:
    """CT numbers in HU (float32)."""
    table = tuple(float(h + (c if contrast else 0)) for h, c in zip(_HU, _HU_CONTRAST, strict=True))
    value = {
        "lung": 20 + 45 * scene.intensity,
        "liver": 112 - 75 * scene.intensity,
        "kidney": 150 - 80 * scene.intensity,
        "pancreas": 75 - 45 * scene.intensity,
    }.get(scene.concept, 55 + 75 * scene.intensity)
    volume = scene.mix(table, value)
    volume += 9 * smooth_field(rng, volume.shape, 6)
    volume += 11 * rng.standard_normal(volume.shape, dtype=np.float32)
    return volume


def t2_signal(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """T2-weighted signal, about 0 to 1000: dark lesion, bright in brain and liver."""
    bright = scene.concept in ("brain", "liver")
    value = 0.65 + 0.3 * scene.intensity if bright else 0.42 - 0.26 * scene.intensity
    return _magnitude(900 * scene.mix(_T2, value), rng, 14, 0.07)


def diffusion(
    scene: Scene, rng: np.random.Generator, b_values: tuple[int, ...]
) -> tuple[list[np.ndarray], np.ndarray]:
    """One signal volume per b-value (s/mm²), and the ADC map in 1e-6 mm²/s that they follow."""
    adc = scene.mix(_ADC, 1250 - 700 * scene.intensity)
    adc *= 1 + np.float32(0.05) * smooth_field(rng, adc.shape, 8)
    still = 700 * scene.mix(_DWI, 0.65)
    volumes = [
        _magnitude(still * np.exp(-b * adc * np.float32(1e-6)), rng, 9, 0.0) for b in b_values
    ]
    noisy = adc * (1 + np.float32(0.03) * rng.standard_normal(adc.shape, dtype=np.float32))
    return volumes, np.clip(noisy, 0, 4000)


def dynamic(scene: Scene, rng: np.random.Generator, phases: int) -> list[np.ndarray]:
    """T1 volumes before and after contrast agent: the lesion takes up early and washes out."""
    table = tuple(0.25 + 0.4 * (t == 1) - 0.2 * (t in (0, 3, 4, 14)) for t in range(17))
    plain = scene.mix(table, 0.25)
    uptake = scene.mix(_UPTAKE, 0.0)
    volumes = []
    for phase in range(phases):
        share = phase / max(1, phases - 1)
        tissue = 1 - np.exp(-2.5 * share)
        lesion = (0.5 + 0.8 * scene.intensity) * (1 - 0.35 * share) if phase else 0.0
        signal: np.ndarray = plain + np.float32(0.55 * tissue) * uptake
        if scene.lesion is not None:
            signal = signal + np.float32(0.7 * lesion) * scene.lesion
        volumes.append(_magnitude(800 * signal, rng, 12, 0.05))
    return volumes


def suv(scene: Scene, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Standardised uptake values in g/mL (float32), and the peak meant for the lesion."""
    peak = 2.5 + 11 * scene.intensity
    volume = scene.mix(_SUV, peak)
    for _ in range(2):
        volume = blur_in_plane(volume)
    volume *= 1 + np.float32(0.09) * rng.standard_normal(volume.shape, dtype=np.float32)
    return np.clip(volume, 0, None), peak


def _magnitude(
    volume: np.ndarray, rng: np.random.Generator, noise: float, shading: float
) -> np.ndarray:
    """The modulus of a noisy signal (Rician), with slow shading of the coil."""
    if shading:
        volume = volume * (1 + np.float32(shading) * smooth_field(rng, volume.shape, 40))
    real = volume + np.float32(noise) * rng.standard_normal(volume.shape, dtype=np.float32)
    other = np.float32(noise) * rng.standard_normal(volume.shape, dtype=np.float32)
    modulus: np.ndarray = np.sqrt(real**2 + other**2)
    return modulus
