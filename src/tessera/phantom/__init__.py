"""Synthetic, identified, PACS-like hospital data for trials and tests."""
