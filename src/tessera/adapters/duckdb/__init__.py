"""Research tables in DuckDB, in process, over the Parquet files of a dataset version."""
