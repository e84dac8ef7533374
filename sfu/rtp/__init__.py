"""RTP and RTCP as bytes: packets, header extensions, reports, feedback, and the arithmetic of their counters."""
