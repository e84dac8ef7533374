"""Live streams at the shard: which worker makes them, who watches, and how each is doing."""
