"""What an operator does with a running service: shards, rooms, participants."""
