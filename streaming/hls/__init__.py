"""HTTP Live Streaming (RFC 8216 and its second edition): packager and playlists are values, the server is a shell."""
