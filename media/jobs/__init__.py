"""Worker processes of recordings and live outputs: started, fed, watched, priced and ended by the shard."""
