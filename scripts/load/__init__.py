"""WebRTC clients of our own, many in one process: what `plenum loadtest` and `plenum bench` drive a server with."""
