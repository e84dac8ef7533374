"""REST: the routes under ``/webrtc`` and what they share."""
