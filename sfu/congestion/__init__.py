"""What a path carries: feedback to publishers, and the estimate, probes and pacing towards subscribers."""
