"""Use cases of the hub, which holds no patient data."""
