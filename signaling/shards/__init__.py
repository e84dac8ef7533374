"""Many processes, one service: who owns which room, and how requests, rooms and people get to the owner."""
