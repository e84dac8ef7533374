"""What the tests with real peers share: server process, browsers, other clients, a bad network, and judging the media."""
