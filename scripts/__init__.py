"""What an operator runs, and the one place where all parts are wired together."""
