"""Audio levels and who is the dominant speaker."""
