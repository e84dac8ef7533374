"""Fragmented MP4, written as bytes: initialisation segments and fragments (ISO/IEC 14496-12)."""
