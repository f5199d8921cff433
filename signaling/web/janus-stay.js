/** Our stay in one VideoRoom: one session with its Janus, a handle to publish by and one to subscribe by. */

import { Breaks, Wake } from "./janus-breaks.js";
import { Downlink } from "./janus-downlink.js";
import { janusId, stayName } from "./janus-id.js";
import { Uplink } from "./janus-uplink.js";
import { JanusFailure, JanusOver, JanusRefused, JanusSession } from "./janus.js";

const JOIN_LIMIT = 10_000; // milliseconds in which we ask to be let in: our server may be about to allow us
const JOIN_EVERY = 300; // milliseconds
const LIST_MIN = 500; // milliseconds before we ask again who publishes, when that was not answered; doubling
const LIST_MAX = 8_000;
// No such room, not authorized, our id is taken: by our own session before, which has not ended yet.
const NO_SUCH_ROOM = 426;
const NOT_YET = new Set([NO_SUCH_ROOM, 433, 436]);

let stays = Date.now(); // numbers of ours: our server takes each for one stay alone

/**
 * In the VideoRoom `place` for as long as `run` runs. Whatever Janus says is a hint: who is here, our server says.
 *
 * `member`: {session, media, feeds, track(user, track)}; `media` as an `Uplink` has it.
 */
export class Stay {
  #place;
  #member;
  #session;
  #uplink = null;
  #downlink = null;
  #missed = new Wake(); // what Janus said may have been lost

  constructor(place, member) {
    [this.#place, this.#member] = [place, member];
    this.#session = new JanusSession(place.url, {
      back: () => this.#missed.wake(),
      over: (failure) => this.close(failure),
    });
  }

  /** Send and receive until that cannot go on: then it throws `JanusFailure`, and the session is closed. */
  async run() {
    const { media, feeds, track } = this.#member;
    try {
      await this.#session.open();
      const handle = await this.#session.attach((word) => this.#hear(word));
      const join = this.#joining("subscriber", { private_id: await this.#join(handle) });
      this.#uplink = new Uplink(handle, media);
      this.#downlink = new Downlink(this.#session, { feeds, media, join, track });
      await Promise.race([this.#uplink.run(), this.#downlink.run(), this.#catchUp(handle)]);
    } finally {
      this.close();
    }
  }

  /** What is to be sent or received may be another. */
  look() {
    this.#uplink?.look();
    this.#downlink?.look();
  }

  /** Send this track from now on, or nothing of its kind (null). */
  replaceTrack(kind, track) {
    this.#uplink?.replaceTrack(kind, track);
  }

  /** Whether what a session publishes can come at this moment. */
  receives(session) {
    return (this.#downlink?.isConnected ?? false) && this.#member.feeds.has(session);
  }

  /** End it all, at once. May be called twice. */
  close(why = new JanusOver("we are done with this Janus")) {
    this.#missed.end(why);
    this.#uplink?.close(why);
    this.#downlink?.close(why);
    this.#session.close();
  }

  #joining(ptype, more) {
    const { room, pin } = this.#place;
    return { request: "join", ptype, room, pin, ...more };
  }

  /** Come in as one who may publish; as often as it takes, within a limit. Returns whose subscriptions ours are. */
  async #join(handle) {
    const { session, feeds } = this.#member;
    const { token } = this.#place;
    const display = stayName((stays += 1), token);
    const request = this.#joining("publisher", { id: janusId(session), display, token });
    const until = performance.now() + JOIN_LIMIT;
    for (;;) {
      feeds.asking();
      try {
        const { data } = await handle.ask(request);
        feeds.listed((data.publishers ?? []).map(({ id }) => id));
        return data.private_id;
      } catch (refused) {
        const isNotYet = refused instanceof JanusRefused && NOT_YET.has(refused.code);
        if (!isNotYet || performance.now() > until) throw refused;
      }
      await this.#missed.pause(JOIN_EVERY);
    }
  }

  /** Ask who publishes whenever Janus may have said so in vain, until it answers. */
  async #catchUp(handle) {
    let breaks = new Breaks(LIST_MIN, LIST_MAX);
    for (;;) {
      await this.#missed.wait();
      try {
        await this.#list(handle);
        breaks = new Breaks(LIST_MIN, LIST_MAX);
      } catch (failure) {
        if (!(failure instanceof JanusFailure) || failure instanceof JanusOver) throw failure;
        if (failure.code === NO_SUCH_ROOM) this.#throwOut();
        await this.#missed.pause(breaks.after(0));
        this.#missed.wake();
      }
    }
  }

  async #list(handle) {
    const { feeds, session } = this.#member;
    feeds.asking();
    const { data } = await handle.ask({ request: "listparticipants", room: this.#place.room });
    const present = data.participants ?? [];
    if (!present.some(({ id }) => id === janusId(session))) this.#throwOut();
    feeds.listed(present.filter(({ publisher }) => publisher).map(({ id }) => id));
    await this.#downlink?.doubt();
    this.look();
  }

  #hear({ janus, plugindata, candidate, reason }) {
    if (janus === "event") this.#happened(plugindata.data);
    else if (janus === "trickle") this.#uplink?.trickled(candidate);
    else if (janus === "hangup") this.#uplink?.hungUp(reason);
    else if (janus === "detached") this.#throwOut();
  }

  #happened({ videoroom, publishers = [], unpublished, leaving, kicked }) {
    if (videoroom === "destroyed" || [unpublished, leaving].includes("ok")) return this.#throwOut();
    if (videoroom !== "event") return;
    const { feeds } = this.#member;
    feeds.published(publishers.map(({ id }) => id));
    const gone = unpublished ?? leaving ?? kicked;
    if (gone !== undefined) feeds.gone(gone);
    this.look();
  }

  #throwOut() {
    this.close(new JanusOver("we are out of its VideoRoom, or that is over")); // our server says why, if we are to know
  }
}
