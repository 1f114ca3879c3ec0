"""Tools that come with Tessera: each folder is a bundle that a permit can name."""
