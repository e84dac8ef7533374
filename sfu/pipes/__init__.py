"""A Producer at another shard: sent there once, and fanned out there as if its publisher were connected to it."""
