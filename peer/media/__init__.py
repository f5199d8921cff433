"""RTCPeerConnections and what flows through them."""
