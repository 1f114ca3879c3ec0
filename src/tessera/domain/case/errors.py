"""Why a model's answer about a study is not taken. Pure."""

from tessera.domain.errors import Conflict, InvalidInput, Refused


class InvalidCaseResult(InvalidInput):
    """What a tool gave for a study is not about that study, or not of the agreed form."""

    code = "invalid-case-result"
    public = "The tool's answer does not fit the study."


class InvalidModel(InvalidInput):
    """A file is no released model, or its card cannot be read; the message names the key."""

    code = "invalid-model"
    public = "The model is not valid."


class CaseNotDone(Conflict):
    """The tool ended without an answer; the message has its own last words."""

    code = "case-not-done"
    public = "The tool gave no answer about the study."


class SubjectOptedOut(Refused):
    """The study's patient has opted out: nothing is computed from it."""

    code = "subject-opted-out"
    public = "The patient has opted out."
