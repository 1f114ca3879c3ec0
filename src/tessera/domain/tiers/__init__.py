"""The tiers of Cancer Image Europe as checks with evidence, and the label of the EHDS. Pure."""
