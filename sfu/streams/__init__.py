"""One SSRC in or out: statistics, loss and its repair, resend history, key-frame requests, clocks."""
