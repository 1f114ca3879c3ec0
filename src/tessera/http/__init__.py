"""Routes: parse, one use case, render. The only status codes."""
