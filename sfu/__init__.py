"""Media engine: RTP in, RTP out, no decoding. Knows Routers, Transports, Producers, Consumers; knows no user."""
