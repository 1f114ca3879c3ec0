"""Exit codes of every command. Documented in docs/reference/exit-codes.md."""

OK = 0
FAILED = 1
"""A deliberate error; the message says what to do."""
USAGE = 2
"""The command line is wrong."""
INCOMPLETE = 3
"""The work is done, but some input was refused, held or not answered; the output says which."""
FINDINGS = 4
"""A check found errors."""
INTERRUPTED = 130
"""Stopped by Ctrl-C; the same command goes on where it stopped."""
