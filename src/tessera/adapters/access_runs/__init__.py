"""Runs at a node: their records on SQLite, the airlock and the views as folders."""

from tessera.adapters.access_runs.records import SqliteRunRecords
from tessera.adapters.access_runs.shelf import FolderAirlock
from tessera.adapters.access_runs.views import FolderViews

__all__ = ["FolderAirlock", "FolderViews", "SqliteRunRecords"]
