"""Containers, written forward only: what is there at any moment plays, and a few patches at the end make it seekable.

Both writers give ``write`` whole fragments (MP4) or clusters (WebM) of about a second. ``close`` returns patches of the
first bytes of the file, no further than HEAD_BYTES: durations and the index. A file without them plays all the same.
"""

from __future__ import annotations

HEAD_BYTES = 128 * 1024
