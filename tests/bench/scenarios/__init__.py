"""Adaptive media, measured in real Chromium: see ``python -m tests.bench.scenarios --help``."""
