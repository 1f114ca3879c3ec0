"""Terminology as versioned data: concepts with their codes, labels, synonyms and is-a."""
