"""What the engine must know of codecs: where frames begin, which layer a packet belongs to, which bytes to patch."""
