"""Media in and out over HTTP: WHIP publishes into a room, WHEP plays from it."""
