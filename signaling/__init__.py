"""Rooms over WebSocket and HTTP: tokens, messages, permissions, negotiation; their state in Redis."""
