"""Ways into and out of rooms for standard clients: WHIP publishes, WHEP plays."""
