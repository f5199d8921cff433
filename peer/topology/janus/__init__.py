"""The topology "janus": media pass through a VideoRoom of a Janus server.

room       the topology: who is here, where the room is placed, what we say of ourselves
stay       one session with one Janus: come in, hear who publishes, go on after a lost socket
uplink     what we send, over one connection
downlink   what the others send, over one connection: `feeds` decides to whose feeds we are subscribed
line       one RTCPeerConnection with Janus
"""

from peer.topology.janus.room import JanusVideoRoom

__all__ = ["JanusVideoRoom"]
