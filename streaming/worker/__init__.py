"""The process that makes a room's program, encodes it once for each quality, and sends it to all that watch."""
