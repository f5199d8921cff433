"""What peers say to each other in the application's words, over data channels or through the server.

`letter` and `window` decide, `Conversation` carries out with one user, `Conversations` with everybody in the room.
"""
