"""Breakout rooms: several meetings side by side within one room, each seen, heard and read by itself only."""
