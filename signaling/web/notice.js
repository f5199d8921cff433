/**
 * How far the others have been told that we leave. Pure.
 *
 * It is said two ways, to the server and straight to everybody we have a channel with, and is over when whom we wait
 * for has answered. The server's answer, `exitRoom`, comes after everybody else has been told; it counts for all.
 */

/** One leave and the answers to it. */
export class Notice {
  #wait = null;
  #awaited = new Set(); // users who are to say that they know, and have not
  #acknowledged = new Set(); // users who have
  #end = Promise.withResolvers();

  /** Resolves when there is nobody left to wait for. */
  get over() {
    return this.#end.promise;
  }

  /** Whether everybody is asked to say that they know. */
  get wantsAck() {
    return this.#wait === "everyone";
  }

  /** Who has not said that they know, sorted. */
  get unacknowledged() {
    return [...this.#awaited].sort();
  }

  /** It is said now, to the server and to these users. */
  begin(wait, users) {
    this.#wait = wait;
    if (this.wantsAck) this.#awaited = new Set(users);
    if (wait === null) this.end();
  }

  /** A user knows, or is gone. */
  acknowledge(user) {
    if (!this.#awaited.delete(user)) return;
    this.#acknowledged.add(user);
    if (this.#awaited.size === 0) this.end();
  }

  /** The server has let us go; it names who was still there and has not told it that they know. */
  confirm(users = []) {
    this.#awaited = new Set(users.filter((user) => !this.#acknowledged.has(user)));
    this.end();
  }

  /** The server cannot answer: only those who were asked straight can. */
  loseServer() {
    if (this.#awaited.size === 0) this.end();
  }

  /** Wait no longer. */
  end() {
    this.#end.resolve();
  }
}
