"""A second corpus of invented patients, made apart from the de-identification that it judges."""
