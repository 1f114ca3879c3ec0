"""The Python client of a hub: `tessera.Client`."""
