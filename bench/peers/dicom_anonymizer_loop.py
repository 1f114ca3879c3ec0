"""dicom-anonymizer through its API, because its command does not enter subfolders.

Usage: python bench/peers/dicom_anonymizer_loop.py IN OUT
"""

import sys
from pathlib import Path

from dicomanonymizer.simpledicomanonymizer import anonymize_dicom_file


def main() -> None:
    source, out = Path(sys.argv[1]), Path(sys.argv[2])
    for path in sorted(source.rglob("*.dcm")):
        target = out / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        anonymize_dicom_file(str(path), str(target))


if __name__ == "__main__":
    main()
