/**
 * How a peer leaves: once, for the first reason, however often and by whomever it is asked to.
 *
 *     inside ──leave()──► telling ──everybody awaited has answered, or a second is over──► out
 *        └───────the server's word, a lost connection, a page that goes away──────────────►┘
 *
 * Out is in this order: what we hold is let go, `exitRoom` fires. That is the listener's to do.
 */

import { Notice } from "./notice.js";
import { within } from "./waits.js";

const NOTICE_TIMEOUT = 1_000; // milliseconds that the server and the others have to answer when we leave

/**
 * Tells its listener: settle() what was said before must be taken, as a promise, or null; say({wantsAck}) that we leave,
 * and return whether the server hears it; over({reason, text, unacknowledged}), once.
 */
export class Exit {
  #listener;
  #farewell = null; // {reason, text}: the first reason to leave, which is the one that counts
  #leaving = null; // the promise of `leave()`: everybody who calls it waits for the same
  #notice = new Notice();
  #isOver = false;

  constructor(listener) {
    this.#listener = listener;
  }

  /** Whether there is a reason to leave. */
  get hasBegun() {
    return this.#farewell !== null;
  }

  /** Whether we are out. */
  get isOver() {
    return this.#isOver;
  }

  /** Leave these users because we want to; resolves when we are out. The first call counts. */
  leave(wait, users) {
    this.#leaving ??= this.#leave(wait, users);
    return this.#leaving;
  }

  /** We are out, and nobody is to be waited for. */
  now(reason, text) {
    this.#farewell ??= { reason, text };
    this.#finish();
  }

  /** The server has let us go. */
  hear({ reason, text = null, unacknowledged }) {
    this.#notice.confirm(unacknowledged);
    // While we wait for the answer to our own leave, `#leave` finishes, with the reason that came first.
    if (!this.#leaving) this.now(reason, text);
  }

  /** A user knows that we leave, or is gone. */
  acknowledge(user) {
    this.#notice.acknowledge(user);
  }

  /** Say that we leave, for the first time or again, because it may have been lost. */
  say() {
    return this.#listener.say({ wantsAck: this.#notice.wantsAck });
  }

  /** The server cannot answer. */
  loseServer() {
    this.#notice.loseServer();
  }

  async #leave(wait, users) {
    this.#farewell ??= { reason: "left", text: null };
    if (!this.#isOver) await this.#notify(wait, users);
    this.#finish();
  }

  async #notify(wait, users) {
    const late = this.#listener.settle(); // a moment, if there is anything
    if (late) await late;
    this.#notice.begin(wait, users.keys());
    if (!this.say()) this.#notice.loseServer();
    await within(NOTICE_TIMEOUT, this.#notice.over);
  }

  #finish() {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#notice.end();
    this.#listener.over({ ...this.#farewell, unacknowledged: this.#notice.unacknowledged });
  }
}
