"""Files of recordings on their way to object storage: a local spool, the stores, and what moves one to the other."""
