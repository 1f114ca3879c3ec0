"""A site's Beam proxy."""

from tessera.adapters.beam.proxy import HttpBeamProxy

__all__ = ["HttpBeamProxy"]
