"""ICE-lite without sockets or clocks: STUN messages, the agent's rules, candidate lines (RFC 8445, RFC 8489)."""
