"""Previews of links in chat messages, fetched without reaching into the operator's own network."""
