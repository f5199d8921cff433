"""Rooms by HTTP, for people and programs who are in none: the admin API, its description, and what happens, live.

access      who may
account     what the journal says of it
wire        what requests hold and what is answered
operations  what an operation is
api         the operations
openapi     their description
changes     what is different in the rooms
feed        who watches them
server      all that by HTTP
"""

from signaling.admin.access import Access
from signaling.admin.server import Admin

__all__ = ["Access", "Admin"]
