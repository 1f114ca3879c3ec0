"""Published contract suites and strategies. Imported by tests only."""
