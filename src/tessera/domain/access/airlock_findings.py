"""Every automatic check of one output in the airlock. Pure.

The checks help the person who decides; they do not decide. What they cannot see is said in
docs/reference/airlock.md.
"""

from typing import Final

from tessera.domain.access.airlock import Finding, Inspection, Output, Severity
from tessera.domain.access.airlock_numbers import aggregate_findings
from tessera.domain.access.airlock_pictures import figure_findings
from tessera.domain.access.airlock_plain import plain_parts
from tessera.domain.access.airlock_search import Known, search
from tessera.domain.access.tool import OutputKind

ENDINGS: Final = {
    OutputKind.AGGREGATE: (".json", ".csv"),
    OutputKind.FIGURE: (".svg", ".png"),
    OutputKind.MODEL: (".npz",),
}
"""What a file of a kind is called."""


def inspect(output: Output, known: Known, permitted: frozenset[OutputKind]) -> Inspection:
    """Return everything found in one output of a run, the heaviest first."""
    found: list[Finding] = []
    parts: tuple[bytes, ...] = (output.content,)
    is_text = False
    if output.kind is None:
        found.append(_final("undeclared", "the tool does not declare this file in its tool.toml"))
    elif output.kind not in permitted:
        found.append(_final("kind", f"the permit lets out no {output.kind}"))
    if output.kind is None or not output.name.endswith(ENDINGS[output.kind]):
        if output.kind is not None:
            endings = " or ".join(ENDINGS[output.kind])
            found.append(_final("format", f"a file of kind {output.kind} ends in {endings}"))
    elif not output.content:
        found.append(Finding(code="empty", severity=Severity.LOOK, text="the file is empty"))
    elif output.kind is OutputKind.AGGREGATE:
        is_text = True
        found += aggregate_findings(output.name, output.content, known)
    elif output.kind is OutputKind.FIGURE:
        is_text = output.name.endswith(".svg")
        found += figure_findings(output.name, output.content, known)
    else:
        from tessera.domain.access.airlock_models import model_findings  # loads numpy

        of_model, parts = model_findings(output.content, known)
        found += of_model
    if known.n_subjects < known.minimum:
        few = f"the run saw {known.n_subjects} subjects, fewer than {known.minimum}"
        found.append(Finding(code="few-subjects", severity=Severity.STOP, text=few))
    if not any(one.code == "size" and one.is_final for one in found):
        if output.kind in (OutputKind.AGGREGATE, OutputKind.FIGURE):
            parts += plain_parts(output.name, output.content)
        found += search((output.name.encode(), *parts), known, is_text=is_text)
    weights = list(Severity)
    found.sort(key=lambda one: (not one.is_final, -weights.index(one.severity)))
    return Inspection(sha256=output.sha256, findings=tuple(dict.fromkeys(found)))


def _final(code: str, text: str) -> Finding:
    return Finding(code=code, severity=Severity.STOP, text=text, is_final=True)
