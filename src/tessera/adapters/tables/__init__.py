"""Tables as hospitals write them: CSV and XLSX."""

from tessera.adapters.tables.read import TableReader, read_rows

__all__ = ["TableReader", "read_rows"]
