"""The native DICOM model: DICOM JSON written as XML. Pure. Source: PS3.19 annex A."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

MEDIA_TYPE: Final = "application/dicom+xml"
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAMES: Final = ("Alphabetic", "Ideographic", "Phonetic")
_PARTS: Final = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")


def native_xml(instance: Mapping[str, Any]) -> bytes:
    """Return one DICOM JSON object as a document of the native DICOM model, UTF-8."""
    body = "".join(_attribute(tag, value) for tag, value in instance.items())
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    name = 'xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM"'
    return f'{head}<NativeDicomModel {name} xml:space="preserve">{body}</NativeDicomModel>'.encode()


def _attribute(tag: str, attribute: Mapping[str, Any]) -> str:
    from pydicom.datadict import keyword_for_tag

    keyword = keyword_for_tag(int(tag, 16))
    named = f" keyword={quoteattr(keyword)}" if keyword else ""
    inner = ""
    if "InlineBinary" in attribute:
        inner = f"<InlineBinary>{attribute['InlineBinary']}</InlineBinary>"
    elif "BulkDataURI" in attribute:
        inner = f"<BulkData uri={quoteattr(attribute['BulkDataURI'])}/>"
    else:
        values: Sequence[Any] = attribute.get("Value", ())
        inner = "".join(_value(n, value) for n, value in enumerate(values, start=1))
    return f'<DicomAttribute tag="{tag}" vr="{attribute["vr"]}"{named}>{inner}</DicomAttribute>'


def _value(number: int, value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, dict):
        return f'<Value number="{number}">{_text(value)}</Value>'
    if value and set(value) <= set(_NAMES):
        groups = "".join(_group(name, value[name]) for name in _NAMES if name in value)
        return f'<PersonName number="{number}">{groups}</PersonName>'
    inner = "".join(_attribute(tag, one) for tag, one in value.items())
    return f'<Item number="{number}">{inner}</Item>'


def _group(name: str, text: str) -> str:
    pairs = zip(_PARTS, text.split("^"), strict=False)
    inner = "".join(f"<{part}>{_text(value)}</{part}>" for part, value in pairs if value)
    return f"<{name}>{inner}</{name}>"


def _text(value: Any) -> str:
    return escape(_NO_XML.sub("\ufffd", str(value)))
