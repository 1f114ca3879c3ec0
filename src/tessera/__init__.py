"""Tessera: share cancer images for research without the images leaving home."""

__version__ = "0.1.0"
