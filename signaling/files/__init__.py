"""File transfers between two participants: offers, their state, and the rules for size and type."""
