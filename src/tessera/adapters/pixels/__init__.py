"""Pixel data: taken apart frame by frame, read for text, blanked, and put together again."""
