"""Read and write dataset versions in the formats of others."""
