"""Which Encoding a Consumer sends, and the rewriting that makes a switch invisible to the decoder."""
