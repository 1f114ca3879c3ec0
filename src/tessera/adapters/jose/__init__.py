"""Signing on joserfc."""
