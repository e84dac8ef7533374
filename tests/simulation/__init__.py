"""Parties and networks in virtual time: seconds of a call in milliseconds, the same every time."""
