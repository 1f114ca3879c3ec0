"""Statistics over nodes: what is counted where, and what follows from the sums. Pure."""
