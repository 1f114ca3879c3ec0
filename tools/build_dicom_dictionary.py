"""Build src/tessera/domain/imaging/dictionary.py from the dictionaries that pydicom carries.

Usage: python tools/build_dicom_dictionary.py

Source: PS3.6 as in pydicom 3.0 (MIT). Reading pydicom's own takes a tenth of a second in every
process; the file this writes takes a few milliseconds. A test holds the two equal.
"""

import textwrap
from collections import defaultdict
from pathlib import Path

import pydicom
from pydicom._dicom_dict import DicomDictionary
from pydicom._uid_dict import UID_dictionary

TARGET = Path(__file__).parents[1] / "src/tessera/domain/imaging/dictionary.py"
ROOT = "1.2.840.10008."
HEAD = '''"""PS3.6 in short: tag → VR and number of values, and the registered UIDs. Generated data.

Source: pydicom {version} (MIT), by `tools/build_dicom_dictionary.py`. Do not edit.
"""

from typing import Final

_AMBIGUOUS = {{"US or SS": b"US", "US or SS or OW": b"OW", "OB or OW": b"OW", "US or OW": b"OW"}}
_ATTRIBUTES = """\\
{attributes}"""
"""One line for each VR and number of values: `VR;number;` and groups with their elements."""
_TRANSFER_SYNTAXES = """\\
{syntaxes}"""
_OTHER_UIDS = """\\
{others}"""
_ROOT = "1.2.840.10008."


def _attributes() -> tuple[dict[int, bytes], dict[int, int]]:
    vrs: dict[int, bytes] = {{}}
    numbers: dict[int, int] = {{}}
    for block in _ATTRIBUTES.split("#")[1:]:
        name, number, words = block.split(";")
        vr = _AMBIGUOUS.get(name) or name.encode()
        group = 0
        tags = []
        for word in words.split():
            if word[-1] == ":":
                group = int(word[:-1], 16) << 16
            else:
                tags.append(group | int(word, 16))
        vrs.update(dict.fromkeys(tags, vr))
        if number.isdigit():
            numbers.update(dict.fromkeys(tags, int(number)))
    return vrs, numbers


def _uids(text: str) -> frozenset[str]:
    uids, parent = [], ""
    for word in text.split():
        if word[-1] == ":":
            parent = _ROOT + word[1:-1] if word[0] == "." else word[:-1]
        else:
            uids.append(f"{{parent}}.{{word}}")
    return frozenset(uids)


_VRS, _NUMBERS = _attributes()
DICTIONARY_VR: Final = _VRS
"""Tag → VR of the standard data dictionary, ambiguous ones settled for implicit VR."""
DICTIONARY_VM: Final = _NUMBERS
"""Tag → number of values, of attributes that have a fixed one."""
TRANSFER_SYNTAXES: Final = _uids(_TRANSFER_SYNTAXES)
REGISTERED_UIDS: Final = TRANSFER_SYNTAXES | _uids(_OTHER_UIDS)
"""PS3.6 Annex A: classes, syntaxes, well-known frames and instances. They name nobody."""
'''


def attributes() -> str:
    kinds: dict[tuple[str, str], dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for tag, entry in sorted(DicomDictionary.items()):
        number = entry[1] if entry[1].isdigit() else ""
        kinds[entry[0], number][tag >> 16].append(tag & 0xFFFF)
    lines = []
    for (vr, number), groups in sorted(kinds.items()):
        words = [f"#{vr};{number};"]
        for group, elements in groups.items():
            words += [f"{group:X}:", *(f"{element:X}" for element in elements)]
        lines += wrapped(words)
    return "\n".join(lines)


def wrapped(words: list[str]) -> list[str]:
    return textwrap.wrap(" ".join(words), 99, break_on_hyphens=False, break_long_words=False)


def short(uids: list[str]) -> str:
    words, parent = [], ""
    for uid in sorted(uids, key=lambda uid: [int(part) for part in uid.split(".")]):
        before, last = uid.rsplit(".", 1)
        if before != parent:
            parent = before
            words.append(("." + before[len(ROOT) :] if before.startswith(ROOT) else before) + ":")
        words.append(last)
    return "\n".join(wrapped(words))


def main() -> None:
    syntaxes = [uid for uid, entry in UID_dictionary.items() if entry[1] == "Transfer Syntax"]
    others = [uid for uid in UID_dictionary if uid not in set(syntaxes)]
    TARGET.write_text(
        HEAD.format(
            version=pydicom.__version__,
            attributes=attributes(),
            syntaxes=short(syntaxes),
            others=short(others),
        ),
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
