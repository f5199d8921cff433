"""Other systems' clients in our rooms: each gateway makes one of theirs a client of the same node as ours."""
