"""Sandbox on bubblewrap: a tool in namespaces of its own, without network, watched from outside."""

from tessera.adapters.bubblewrap.sandbox import BubblewrapSandbox

__all__ = ["BubblewrapSandbox"]
