"""One room's audience over several shards: who publishes is at the room's own, who only receives may be at another."""
