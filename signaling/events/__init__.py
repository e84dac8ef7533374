"""What happened in rooms: an ordered log, webhooks that are told of it, and what it adds up to."""
