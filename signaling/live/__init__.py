"""Live streams of rooms: what is known of them, their keys under seal, and the port to whoever makes them."""
