"""What recording and live output share: jitter buffer, depacketising, decoding, composing. Empty until they exist."""
