/** The page: all rooms at `/`, one room at `/{room}`. */

import { showLobby } from "./lobby.js";
import { roomOfPage } from "./names.js";
import { RoomPage } from "./room.js";

const room = roomOfPage();
if (room) new RoomPage(room).enter();
else showLobby();
