"""Files and folders: reading instances, writing de-identified ones, walking what a person names."""
