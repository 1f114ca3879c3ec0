"""Masks that people and programs drew on images: their files, their grid and their codes. Pure."""
