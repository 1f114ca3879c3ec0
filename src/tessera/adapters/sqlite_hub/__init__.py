"""The hub's store on SQLite: one file, no server."""
