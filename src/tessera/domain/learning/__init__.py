"""Federated learning: aggregation, rounds, metrics with intervals. Pure."""
