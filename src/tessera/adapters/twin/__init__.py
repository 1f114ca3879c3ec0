"""Writes a twin as files: tables, images and a manifest, as a run sees a dataset."""

from tessera.adapters.twin.folder import TwinWritten, write_twin

__all__ = ["TwinWritten", "write_twin"]
