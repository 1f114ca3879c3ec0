"""Other catalogues: fetched with care, read in any form."""
