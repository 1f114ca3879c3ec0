"""A synthetic twin: a dataset of the same shape as a real one, with no real person in it. Pure."""
