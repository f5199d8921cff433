/** What one may ask the server for, beyond being there. Each throws if there is no connection at the moment. */

import { checkBan, checkWait } from "./checks.js";

/** The base of `Peer`, which has `grants` and `order(message)`. */
export class Orders {
  /** Remove somebody from the room (grant "moderate"), and keep them out for `banFor` seconds, if that is said. */
  kick(user, text, { banFor = null } = {}) {
    checkBan(banFor);
    this.order({ type: "kick", user, ...(text && { text }), ...(banFor !== null && { banFor }) });
  }

  /** Have somebody send silence ("audio") or black ("video"), who may unmute (grant "moderate"). */
  muteUser(user, kind) {
    this.order({ type: "mute", user, kind });
  }

  /**
   * Say something to everybody else or to one: they get `message` (grant "message"). `data` is any JSON, of 16 KiB at
   * most. Who cannot be reached does not hear it.
   */
  sendMessage(topic, data = null, { to = null } = {}) {
    if (!this.grants.includes("message")) throw new Error("The token does not let us say anything.");
    this.order({ type: "message", topic, data, ...(to !== null && { to }) });
  }

  /** Stay with a newer token, instead of leaving when ours expires. */
  refreshToken(token) {
    this.order({ type: "refresh", token });
  }

  /**
   * Close the room and remove everybody (grant "moderate"). With `wait: "everyone"` our own `exitRoom` comes when all
   * others have acknowledged theirs, and says in `unacknowledged` who has not in time.
   */
  dismiss(text, { wait = "server" } = {}) {
    checkWait(wait);
    this.order({ type: "dismiss", ...(text && { text }), ...(wait === "everyone" && { wait: true }) });
  }
}
