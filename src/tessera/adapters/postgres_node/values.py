"""Values as PostgreSQL takes them."""


def text(value: str) -> str:
    """Return a text without U+0000, which no text of PostgreSQL can hold, as U+FFFD."""
    return value.replace("\0", "�") if "\0" in value else value
