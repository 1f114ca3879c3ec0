"""Numbered checks: rows in, findings out. Pure."""
