"""Payloads of the messages, one file a subject."""
