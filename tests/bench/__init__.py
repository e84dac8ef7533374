"""Measurements that need a quiet machine; none of them is run by pytest."""
