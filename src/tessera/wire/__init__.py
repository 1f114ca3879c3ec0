"""Messages between node and hub: versioned, signed."""
