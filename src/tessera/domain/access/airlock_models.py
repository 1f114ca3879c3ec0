"""Looks in a model, an npz archive, for arrays that are records or images, not weights. Pure."""

import math
import re
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from tessera.domain.access.airlock import Finding, Severity
from tessera.domain.access.airlock_search import Known
from tessera.domain.access.npz import InvalidArchive, Member, members_of

_MOST_TEXT: Final = 1000
"""Characters of all texts: names of classes, not notes."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]*")
_LONG_NAME: Final = 80
_NEAR: Final = 1e-4
_AT_ONCE: Final = 1_000_000
"""Numbers that are looked at in one go."""
_MOST_WHOLE: Final = 1000
"""Whole numbers: steps and shapes, not pixels."""
_MAY_REMEMBER: Final = 0.6
"""AUC of telling who was in a training, from which on somebody should look."""
_REMEMBERS: Final = 0.75
"""The same, from which on a reason is needed."""
_MANY_EACH: Final = 10
"""Parameters for each subject, from which on a model can hold much of them."""


def model_findings(content: bytes, known: Known) -> tuple[tuple[Finding, ...], tuple[bytes, ...]]:
    """Return what was found, and the unpacked parts in which identifiers are to be looked for."""
    try:
        members = members_of(content)
    except InvalidArchive as err:
        return (_stop("archive", str(err), is_final=True),), (content,)
    findings = tuple(_findings(members, known))
    parts = tuple(
        part for member in members for part in parts_of_array(member.name, member.array, member.raw)
    )
    parts += ("\n".join(member.name for member in members).encode(),)
    parts += (b"".join(member.name[-1:].encode() for member in members),)
    return findings, parts


def _findings(members: Sequence[Member], known: Known) -> Iterator[Finding]:
    numbers = [m for m in members if m.array.dtype.kind in "fc"]
    whole = [m for m in members if m.array.dtype.kind in "biu"]
    texts = [m for m in members if m.array.dtype.kind in "SU"]
    if bad := [m.name for m in numbers if not np.isfinite(m.array).all()]:
        yield _stop("not-finite", f"NaN or infinite numbers, which can be a code: {_named(bad)}")
    names = [m.name for m in members if len(m.name) > _LONG_NAME or not _NAME.fullmatch(m.name)]
    if names:
        yield _stop("free-text", f"arrays with names that are no names: {_named(names)}")
    if empty := [m.name for m in members if not m.array.size]:
        yield _stop(
            "hidden", f"arrays without a number, whose shapes can be a code: {_named(empty)}"
        )
    if (n_chars := sum(m.array.nbytes for m in texts)) > _MOST_TEXT:
        yield _stop("free-text", f"{n_chars} bytes of text: {_named([m.name for m in texts])}")
    elif texts:
        shown = ", ".join(str(word) for m in texts for word in m.array.ravel()[:10])[:200]
        yield Finding(code="texts", severity=Severity.LOOK, text=f"texts: {shown}")
    if many := [m.name for m in whole if m.array.size > _MOST_WHOLE]:
        yield _stop("whole-numbers", f"many whole numbers: images or tables? {_named(many)}")
    if each := [m.name for m in members if _is_each(m, known)]:
        yield _stop("row-per-subject", f"a row for each subject, study or image: {_named(each)}")
    if images := [m.name for m in members if _is_image(m, known)]:
        yield _stop("image", f"arrays of the size of the images: {_named(images)}")
    if known.membership_auc is not None:
        yield from _memory(known.membership_auc)
    n_parameters = sum(m.array.size for m in numbers)
    text = f"{n_parameters} parameters from {known.n_subjects} subjects"
    if n_parameters > _MANY_EACH * known.n_subjects:
        text += ": enough to remember some; was it trained to forget, and tested for it?"
        yield Finding(code="parameters", severity=Severity.LOOK, text=text)
    else:
        yield Finding(code="parameters", severity=Severity.INFO, text=text)


def _memory(membership_auc: float) -> Iterator[Finding]:
    """Source: Yeom et al., Privacy risk in machine learning, CSF 2018, section 3.2."""
    if not math.isfinite(membership_auc):
        text = "the tool did not measure how well the model remembers who was in the training"
        yield Finding(code="memory", severity=Severity.LOOK, text=text)
        return
    text = (
        f"the model tells who was in the training from who was not: AUC {membership_auc:.2f}, "
        "where 0.50 is not at all"
    )
    if membership_auc > _REMEMBERS:
        yield _stop("memory", text)
    else:
        severity = Severity.LOOK if membership_auc > _MAY_REMEMBER else Severity.INFO
        yield Finding(code="memory", severity=severity, text=text)


def _is_each(member: Member, known: Known) -> bool:
    shape = member.array.shape
    return any(length >= max(2, known.minimum) and length in known.sizes for length in shape[:1])


def _is_image(member: Member, known: Known) -> bool:
    shape = member.array.shape
    pairs = {(shape[i], shape[i + 1]) for i in range(len(shape) - 1)}
    pairs |= {(second, first) for first, second in pairs}
    flat = {rows * columns for rows, columns in known.image_shapes}
    large = {pair for pair in known.image_shapes if min(pair) >= 16}
    return bool(pairs & large) or (member.array.size in flat and member.array.size >= 256)


def parts_of_array(name: str, array: npt.NDArray[np.generic], raw: bytes) -> Iterator[bytes]:
    """Yield what of an array is to be searched: its name, its bytes, its numbers as characters."""
    yield name.encode()
    yield raw
    if array.dtype.kind in "fiu" and array.size >= 8:
        # Characters as numbers, in any type of number, and as shares of a byte's range.
        for scale in (1, 255, 256) if array.dtype.kind == "f" else (1,):
            codes = b"".join(_codes(array, scale))
            if len(codes) >= 8:
                yield codes


def _codes(array: npt.NDArray[np.generic], scale: int) -> Iterator[bytes]:
    flat = array.ravel()
    for begin in range(0, flat.size, _AT_ONCE):
        some = np.asarray(flat[begin : begin + _AT_ONCE], dtype=np.float64) * scale
        near = np.round(some)
        is_code = (near >= 32) & (near < 127) & (np.abs(some - near) < _NEAR)
        yield near[is_code].astype(np.uint8).tobytes()


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(name[:60] for name in names[:5]) + more


def _stop(code: str, text: str, *, is_final: bool = False) -> Finding:
    return Finding(code=code, severity=Severity.STOP, text=text, is_final=is_final)
