/**
 * Whose media we are subscribed to in a VideoRoom, and what is to be asked for next; the same as Python's
 * `peer.topology.janus.feeds`, which says why. Pure; times are in milliseconds.
 *
 * A feed is what one session publishes, under the number that everybody can tell from the session (`janusId`). We
 * subscribe to it when it is there, as Janus says, and belongs to somebody in the room, as our server says. Where Janus
 * has told of a feed since it was asked for a list, that counts, and the list does not.
 */

import { janusId } from "./janus-id.js";

const RETRY_MIN = 500; // milliseconds before a feed that was refused is asked for again, doubling
const RETRY_MAX = 8_000;

export class Feeds {
  mayReceive;
  #users = new Map(); // feed → user
  #published = new Set();
  #told = null; // feeds that Janus has told of since it was asked for a list that has not come yet
  #subscribed = new Set();
  #refused = new Map(); // feed → {wait, until}
  #carried = new Map(); // mid → {feed, kind}

  constructor({ mayReceive }) {
    this.mayReceive = mayReceive;
  }

  // -- what our server says --

  /** Somebody is in the room. */
  add(user, session) {
    this.#users.set(janusId(session), user);
  }

  /** Somebody is not in the room any more. */
  remove(user) {
    for (const [feed, other] of this.#users) if (other === user) this.#users.delete(feed);
  }

  // -- what Janus says --

  /** Janus is about to be asked for a list of feeds: what it tells from now on is newer than that. */
  asking() {
    this.#told = new Set();
  }

  /** These were there, and no others, at some time since Janus was asked. */
  listed(feeds) {
    const told = this.#told ?? new Set();
    const present = new Set(feeds);
    for (const feed of this.#published) if (!present.has(feed) && !told.has(feed)) this.#end(feed);
    for (const feed of present) if (!told.has(feed)) this.#published.add(feed);
    this.#told = null;
  }

  /** These have begun, or are another now. */
  published(feeds) {
    for (const feed of feeds) {
      this.#published.add(feed);
      this.#told?.add(feed);
    }
  }

  /** A feed is not there any more: Janus has ended the subscription itself. */
  gone(feed) {
    this.#end(feed);
    this.#told?.add(feed);
  }

  /** Janus' m-lines carry this now; returns what is another than before: [{mid, user, kind}]. */
  laidOut(streams) {
    const before = this.#carried;
    this.#carried = new Map(streams.filter(carries).map(({ mid, type, feed_id: feed }) => [mid, { feed, kind: type }]));
    return [...this.#carried]
      .filter(([mid, { feed }]) => before.get(mid)?.feed !== feed && this.#users.has(feed))
      .map(([mid, { feed, kind }]) => ({ mid, user: this.#users.get(feed), kind }));
  }

  /** What we are subscribed to, and the m-lines that carry it: feed → [mid]. */
  carried() {
    const lines = [...this.#carried];
    const midsOf = (feed) => lines.filter(([, line]) => line.feed === feed).map(([mid]) => mid);
    return new Map([...this.#subscribed].map((feed) => [feed, midsOf(feed)]));
  }

  // -- what is to be asked for --

  /** What is to be asked for now: {subscribe, unsubscribe}; null: nothing. It is then to be `done` or `refused`. */
  nextChange(now) {
    const wanted = this.mayReceive ? [...this.#published].filter((feed) => this.#users.has(feed)) : [];
    const missing = wanted.filter((feed) => !this.#subscribed.has(feed) && this.#mayAsk(feed, now));
    const alone = missing.filter((feed) => this.#refused.has(feed)).slice(0, 1);
    const subscribe = alone.length ? alone : missing;
    const unsubscribe = [...this.#subscribed].filter((feed) => !wanted.includes(feed));
    return subscribe.length || unsubscribe.length ? { subscribe, unsubscribe } : null;
  }

  /** When there may be more to ask for by itself; Infinity: never. */
  nextDeadline() {
    if (!this.mayReceive) return Infinity;
    const waiting = [...this.#refused].filter(([feed]) => this.#published.has(feed) && this.#users.has(feed));
    return Math.min(...waiting.map(([, { until }]) => until));
  }

  /** Janus has done what was asked for. */
  done({ subscribe, unsubscribe }) {
    for (const feed of subscribe) if (this.#published.has(feed)) this.#subscribed.add(feed);
    for (const feed of unsubscribe) this.#subscribed.delete(feed);
    for (const feed of subscribe) this.#refused.delete(feed);
  }

  /** Janus did nothing of that: what was asked for together is asked for one by one. What we wanted to end has ended. */
  refused({ subscribe, unsubscribe }, now) {
    for (const feed of unsubscribe) this.#subscribed.delete(feed);
    for (const feed of subscribe) {
      const before = this.#refused.get(feed);
      const again = before ? Math.min(2 * before.wait, RETRY_MAX) : 0;
      const wait = before || subscribe.length === 1 ? Math.max(again, RETRY_MIN) : 0;
      this.#refused.set(feed, { wait, until: now + wait });
    }
  }

  /** We are subscribed to nothing: the connection is a new one. */
  beginAnew() {
    for (const known of [this.#subscribed, this.#carried, this.#refused]) known.clear();
  }

  /** Whether we are subscribed to what a session publishes. */
  has(session) {
    return this.#subscribed.has(janusId(session));
  }

  #end(feed) {
    for (const known of [this.#published, this.#subscribed, this.#refused]) known.delete(feed);
  }

  #mayAsk(feed, now) {
    return (this.#refused.get(feed)?.until ?? -Infinity) <= now;
  }
}

function carries({ active = true, feed_id: feed, type }) {
  return active && feed !== undefined && type !== "data";
}
