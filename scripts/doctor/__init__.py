"""``plenum doctor``: looks for what would keep browsers from reaching this server, and says which line to change."""
