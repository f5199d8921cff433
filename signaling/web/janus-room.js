/**
 * How our tracks reach the others and theirs reach us where a VideoRoom of Janus carries them: one connection up, one
 * down, however many there are. To `exeunt.js` it is what a `Mesh` is; the same as Python's `peer.topology.janus`.
 *
 * Who is here is said by our server alone. A Janus that is lost is gone back to, with breaks that grow; nobody leaves for
 * that. What is said over data channels in a mesh of what we send is said through our server (grant "message").
 */

import { readMessage } from "./channel.js";
import { Breaks, pause } from "./janus-breaks.js";
import { Feeds } from "./janus-feeds.js";
import { Stay } from "./janus-stay.js";

const WORDS = "exeunt.channel"; // topic of what goes through our server, for want of a data channel
const RETRY_MIN = 500; // milliseconds before we go to the same VideoRoom again, doubling
const RETRY_MAX = 5_000;

/** Its listener is a Mesh's: say, track, heard and greeting are used. */
export class JanusRoom {
  #session;
  #listener;
  #grants;
  #sessions = new Map(); // user → session
  #media; // as an `Uplink` has it
  #feeds;
  #place = null;
  #stay = null;
  #isClosed = false;

  constructor(session, { iceServers, iceTransportPolicy, grants, listener }) {
    this.#session = session;
    this.#listener = listener;
    this.#grants = grants;
    const local = { stream: new MediaStream(), tracks: { audio: null, video: null } };
    this.#media = { local, ways: { iceServers, iceTransportPolicy }, maySend: grants.includes("publish") };
    this.#feeds = this.#knownFeeds();
    if (this.#greets) this.#tell();
  }

  /** Our server has placed the room there; null: nowhere, for now. */
  place(place) {
    if (this.#isClosed || JSON.stringify(place) === JSON.stringify(this.#place)) return;
    this.#place = place;
    this.#stay?.close();
    this.#stay = null;
    if (place) this.#live(place);
  }

  /** Somebody is there. `offering`: they were here before us, and know what we send. */
  add({ user, session }, { offering }) {
    this.#sessions.set(user, session);
    this.#feeds.add(user, session);
    this.#stay?.look();
    if (!offering && this.#greets) this.#tell(user);
  }

  /** Somebody is gone. */
  remove(user) {
    this.#sessions.delete(user);
    this.#feeds.remove(user);
    this.#stay?.look();
  }

  /** Somebody cannot be told anything for now: their media come all the same. */
  lost() {}

  /** Somebody can be told things again. */
  back(user) {
    this.#tell(user);
  }

  /** We were cut off and can say things again. */
  resumed() {
    this.#tell();
  }

  /** Send this track from now on, or nothing of this kind (null). */
  replaceTrack(kind, track) {
    this.#media.local.tracks[kind] = track;
    this.#stay?.replaceTrack(kind, track);
  }

  /** Whether media flow from this user to us. */
  connected(user) {
    return this.#stay?.receives(this.#sessions.get(user) ?? "") ?? false;
  }

  /** Send and receive what these grants allow, from now on, and nothing else any more. */
  allow(grants) {
    this.#grants = grants;
    this.#media.maySend = grants.includes("publish");
    this.#feeds.mayReceive = grants.includes("subscribe");
    this.#stay?.look();
  }

  /** What somebody may send or receive is another: they see to that themselves, with Janus. */
  renew() {}

  /** Make connections with these from now on; those that are there keep theirs. */
  use(iceServers) {
    this.#media.ways = { ...this.#media.ways, iceServers };
  }

  /** Whether this may carry media in that place, too: another room has another VideoRoom. */
  goesOnIn() {
    return false;
  }

  /** Somebody negotiates with us, who takes the room for a mesh: nobody does so here. */
  receive() {}

  /** Take in what somebody says of their media; false: it is something else. */
  hears({ user, topic, data }) {
    if (topic !== WORDS) return false;
    const message = readMessage(data);
    const session = this.#sessions.get(user);
    if (message?.type === "media" && session) this.#listener.heard(user, session, message);
    return true;
  }

  /** Nothing is said straight to a user: our server tells everybody who leaves. */
  say() {}

  /** Tell everybody what we send; all else that a channel is for, our server knows already. */
  sayToAll({ type }) {
    if (type === "media") this.#tell();
  }

  /** End the session with Janus and every connection; nobody waits for it. */
  close() {
    this.place(null);
    this.#isClosed = true;
  }

  /** Be in that VideoRoom, again and again, until the room is placed elsewhere. */
  async #live(place) {
    const breaks = new Breaks(RETRY_MIN, RETRY_MAX);
    while (this.#place === place) {
      const began = performance.now();
      await this.#stayIn(place);
      const wait = breaks.after(performance.now() - began);
      await pause(wait * (0.5 + Math.random() / 2)); // chance: not all at once to a new Janus
    }
  }

  async #stayIn(place) {
    this.#feeds = this.#knownFeeds();
    const track = (user, its) => this.#listener.track(user, its);
    this.#stay = new Stay(place, { session: this.#session, media: this.#media, feeds: this.#feeds, track });
    try {
      await this.#stay.run();
    } catch (failure) {
      if (this.#place === place) console.info(`no media through Janus at ${place.url} for now:`, failure.message);
    }
  }

  #knownFeeds() {
    const feeds = new Feeds({ mayReceive: this.#grants.includes("subscribe") });
    for (const [user, session] of this.#sessions) feeds.add(user, session);
    return feeds;
  }

  get #greets() {
    const { published, muted } = this.#listener.greeting();
    return published.length + muted.length > 0;
  }

  #tell(user) {
    if (!this.#grants.includes("message")) return;
    this.#listener.say({ type: "message", topic: WORDS, data: JSON.stringify(this.#listener.greeting()), ...(user && { to: user }) });
  }
}
