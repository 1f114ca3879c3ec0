"""Dataset descriptions (DCAT) as values, and what makes one valid."""
