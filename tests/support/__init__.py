"""What tests with real peers share: the server, browsers, other clients, a bad network, and a verdict on the media."""
