"""What a path carries: transport-wide feedback about what was received."""
