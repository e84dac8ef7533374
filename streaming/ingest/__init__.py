"""RTMP in: OBS and hardware encoders publish into a room; a process of its own passes each stream on by WHIP."""
