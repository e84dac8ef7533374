"""Datagrams that no honest peer sends, at a server with a call under way."""
