"""The statements of each migration, one module for each."""
