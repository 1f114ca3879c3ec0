"""Entry `case`: marks the lesion in one study with a released model. For research only.

Reads /data (one study) and /inputs/model.npz. Writes /out/segments.npz, with `uids` (n,),
`masks` (n, rows, columns) and `series_uid`, and /out/case.json.
"""

import hashlib
import json
import sys
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tessera.toolbox.lesion_classifier import network, segment, study_data, task
else:
    import network
    import segment
    import study_data
    import task


def main() -> int:
    model = study_data.folder("inputs") / "model.npz"
    weights, spec = task.read_model(model)
    paths = study_data.series_to_judge(study_data.folder("data"), str(spec["modality"]))
    volume = study_data.read_volume(paths)
    judged = segment.judge(volume, weights, spec)
    down, across = volume.pixel_mm
    voxel_ml = down * across * volume.spacing_mm / 1000
    out = study_data.folder("out")
    np.savez_compressed(
        out / "segments.npz",
        allow_pickle=False,
        uids=np.array(volume.uids),
        masks=judged.mask,
        series_uid=np.array(volume.series_uid),
    )
    told = {
        "series_uid": volume.series_uid,
        "label": "lesion" if judged.mask.any() else "none",
        "probability": round(judged.probability, 4),
        "region_probability": round(judged.region_probability, 4),
        "volume_ml": round(float(judged.mask.sum()) * voxel_ml, 3),
        "model": segment.described(spec)
        | {"sha256": hashlib.sha256(model.read_bytes()).hexdigest()},
        "notice": "Research use only. Not for diagnosis or treatment.",
    }
    (out / "case.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (study_data.UnusableData, network.WrongModel) as err:
        sys.exit(f"lesion-classifier: {err}")
