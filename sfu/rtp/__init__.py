"""RTP and RTCP as values: packets, header extensions, feedback, and the arithmetic of numbers that wrap."""
