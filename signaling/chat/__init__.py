"""Chat without sockets or clock: texts, the log of a room, images, who may do what."""
