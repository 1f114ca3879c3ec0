"""The web pages over a hub in memory."""
