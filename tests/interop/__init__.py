"""Calls between real browsers, GStreamer and FFmpeg through a real server."""
