"""The bridge between an engine's client and the node, on Unix sockets."""

from tessera.adapters.bridge.unix_socket import UnixSocketBridge

__all__ = ["UnixSocketBridge"]
