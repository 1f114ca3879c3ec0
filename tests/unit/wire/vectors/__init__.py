"""Recorded messages. A file here is never changed: every later version must still read it."""
