"""RTMP 1.0: chunks, AMF0, FLV bodies, publishing client and ingesting server are values; ``output`` has the socket."""
