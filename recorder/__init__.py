"""Records tracks and programs to files and object storage. Empty until recording exists."""
