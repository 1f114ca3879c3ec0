"""Numbers, sizes and dates as a reader of each language writes them. Pure."""

from datetime import UTC, datetime, timedelta

_THOUSANDS = {"en": ",", "sv": "\N{NARROW NO-BREAK SPACE}"}
_DECIMAL = {"en": ".", "sv": ","}
_MONTHS = {
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    "sv": [
        "januari",
        "februari",
        "mars",
        "april",
        "maj",
        "juni",
        "juli",
        "augusti",
        "september",
        "oktober",
        "november",
        "december",
    ],
}
_SIZES = ("B", "kB", "MB", "GB", "TB", "PB")
_NBSP = "\N{NO-BREAK SPACE}"


def decimal(value: float, language: str) -> str:
    """Return a measure with four significant digits: 0.839 and 0,839."""
    return f"{value:.4g}".replace(".", _DECIMAL[language])


def number(value: int, language: str) -> str:
    """Return a whole number: 12,345 in English, 12 345 with a thin space in Swedish."""
    return f"{value:,}".replace(",", _THOUSANDS[language])


def size(n_bytes: int, language: str) -> str:
    """Return bytes in the largest decimal unit that leaves at least 1 (1 kB = 1,000 B)."""
    value, unit = float(n_bytes), 0
    while value >= 1000 and unit < len(_SIZES) - 1:
        value, unit = value / 1000, unit + 1
    digits = 1 if unit and value < 100 else 0
    return f"{value:.{digits}f}".replace(".", _DECIMAL[language]) + _NBSP + _SIZES[unit]


def day(moment: datetime, language: str) -> str:
    """Return the UTC calendar day: 5 March 2026, 5 mars 2026."""
    utc = moment.astimezone(UTC)
    return f"{utc.day}{_NBSP}{_MONTHS[language][utc.month - 1]} {utc.year}"


def month(moment: datetime, language: str) -> str:
    """Return the UTC calendar month: March 2026, mars 2026."""
    utc = moment.astimezone(UTC)
    return f"{_MONTHS[language][utc.month - 1]} {utc.year}"


def moment(value: datetime, language: str) -> str:
    """Return day and minute, with the time zone said: 5 March 2026, 14:07 UTC."""
    join = {"en": ", ", "sv": " kl. "}[language]
    return f"{day(value, language)}{join}{value.astimezone(UTC):%H:%M}{_NBSP}UTC"


def machine(value: datetime) -> str:
    """Return the `datetime` attribute of a <time> element: RFC 3339, UTC, whole seconds."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def elapsed(since: timedelta) -> tuple[str, int]:
    """Return the largest whole unit of a duration and how many: ("hours", 3).

    Units: seconds (below one minute), minutes, hours, days. Never negative.
    """
    seconds = max(0, int(since.total_seconds()))
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= length:
            return unit, seconds // length
    return "seconds", seconds
