"""Asking a hospital's archive: C-FIND, and C-GET or C-MOVE, with pynetdicom."""
