"""Use cases of a hospital node. Knows nothing of the hub package."""
