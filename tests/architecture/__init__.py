"""Rules that the import graph and the type checker cannot say."""
