"""Invented hospitals: identified, PACS-like data to try things out on. Deterministic.

`generate` writes a site; `PhantomSpec` says which. No person in it exists.
"""

from tessera.phantom.generate import generate
from tessera.phantom.spec import PhantomSpec, PhantomSummary, Scale

__all__ = ["PhantomSpec", "PhantomSummary", "Scale", "generate"]
