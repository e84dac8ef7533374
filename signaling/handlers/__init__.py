"""What each message does: small functions of (room, participant, payload, context) that return effects."""
