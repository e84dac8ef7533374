"""The servers that are measured: each is one driver."""
