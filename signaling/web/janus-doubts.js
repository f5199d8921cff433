/**
 * Which feeds deliver nothing any more, after words of Janus may have been lost; the same as Python's
 * `peer.topology.janus.doubts`, which says why. Pure. Counts are of packets, feed → number; times are in milliseconds.
 */

const SILENT_LIMIT = 5_000; // milliseconds in which each feed is to deliver something

export class Doubts {
  #before = null; // feed → packets
  #until = 0;
  #known = new Set(); // feeds that were silent on the connection before, and on this one so far

  /** Words may have been lost: from now on everything is to deliver. */
  begin(counts, now) {
    for (const feed of this.#known) if (counts.get(feed) !== 0) this.#known.delete(feed);
    this.#before = new Map([...counts].filter(([feed]) => !this.#known.has(feed)));
    this.#until = now + SILENT_LIMIT;
  }

  /** When `silent` is to be asked; Infinity: there is no doubt. */
  nextDeadline() {
    return this.#before ? this.#until : Infinity;
  }

  /** The feeds that have delivered nothing in all that time; then there is no doubt any more. */
  silent(counts, now) {
    if (now < this.nextDeadline()) return [];
    const found = [...this.#before].filter(([feed, count]) => counts.get(feed) === count).map(([feed]) => feed);
    this.#before = null;
    for (const feed of found) this.#known.add(feed);
    return found;
  }

  /** The connection is another: all is subscribed to anew. */
  end() {
    this.#before = null;
  }
}
