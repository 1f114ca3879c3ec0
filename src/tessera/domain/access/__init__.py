"""Who may not be used, and by whom what may be used."""
