"""A released model on one study: what it may answer, and what becomes of the answer."""
