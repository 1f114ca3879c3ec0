"""Databases as each version of the program left them, and what they must still say.

`STORE-vN.sqlite` was written when the tables of that store were at migration N, and is never
written again. After a new migration: `python -m tests.stored tests/stored` adds the files that
are missing, and nothing else. A former version of a hub was written by the program of its time,
which ran `tests/stored/hub.py`.
"""
