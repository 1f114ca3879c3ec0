"""Cohort queries: the language, what each condition means, what may be disclosed."""
