"""Cohort queries over columns of codes in memory: exact, and faster than any database."""
