/** Who carries the media of a place: a mesh of calls, or a VideoRoom of Janus. */

import { JanusRoom } from "./janus-room.js";
import { Mesh } from "./mesh.js";

/** What carries media as the server's `joined` or `moved` says; `options` are those of both. */
export function carrierOf({ session, topology = "mesh", media = null }, options) {
  if (topology === "mesh") return new Mesh(session, options);
  const room = new JanusRoom(session, options);
  room.place(media);
  return room;
}
