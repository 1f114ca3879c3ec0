"""How well a de-identification did: an answer key, the checks in it, and the scores. Pure."""
