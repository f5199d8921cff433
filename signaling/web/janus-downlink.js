/** What the others send: one subscriber's handle and one connection, whose m-lines Janus offers anew at every change. */

import { Breaks, Wake } from "./janus-breaks.js";
import { Doubts } from "./janus-doubts.js";
import { JanusLine, LineFailure } from "./janus-line.js";
import { JanusOver, JanusRefused } from "./janus.js";

const OFFER_LIMIT = 5_000; // milliseconds for an offer that Janus has announced; it may be lost with a socket
const RETRY_MIN = 500; // milliseconds before we subscribe anew after a failure, doubling
const RETRY_MAX = 8_000;
const NO_SUCH_FEED = 428;

/**
 * Subscribes to what `feeds` says. `session` is Janus', `ways` tell how connections are made; `join` is what a subscriber
 * says on coming in; track(user, track) is told what carries a user's media.
 */
export class Downlink {
  #session;
  #feeds;
  #media;
  #join;
  #track;
  #doubts = new Doubts();
  #wake = new Wake();
  #line = null;
  #broken = null; // why
  #isJoined = false;
  #offers = [];
  #offerDue = Infinity; // when one must have come

  constructor(session, { feeds, media, join, track }) {
    [this.#session, this.#feeds, this.#media, this.#join, this.#track] = [session, feeds, media, join, track];
  }

  /** Whether media can come at this moment. */
  get isConnected() {
    return this.#line?.isConnected ?? false;
  }

  /** Be subscribed to what is wanted. Throws `JanusFailure` when the session is over. */
  async run() {
    const breaks = new Breaks(RETRY_MIN, RETRY_MAX);
    for (;;) {
      while (!this.#feeds.nextChange(performance.now())) await this.#wait();
      const began = performance.now();
      const failure = await this.#subscribe();
      console.info("nothing is received from Janus for now:", failure.message);
      await this.#wake.pause(breaks.after(performance.now() - began));
    }
  }

  /** There may be more to subscribe to, or less. */
  look() {
    this.#wake.wake();
  }

  /** What Janus said may have been lost: see whether everything is delivered that we are subscribed to. */
  async doubt() {
    const line = this.#line;
    if (!line) return;
    const counts = await this.#delivered(line);
    if (line !== this.#line) return; // all is subscribed to anew
    this.#doubts.begin(counts, performance.now());
    this.#wake.wake();
  }

  /** Receive nothing any more. */
  close(why) {
    this.#wake.end(why);
    this.#line?.close();
  }

  /** Follow the feeds with a handle and a connection of our own, until they fail. Returns what has failed. */
  async #subscribe() {
    [this.#broken, this.#isJoined, this.#offers, this.#offerDue] = [null, false, [], Infinity];
    let handle = null;
    try {
      handle = await this.#session.attach((word) => this.#hear(word));
      this.#line = new JanusLine(this.#media.ways, {
        candidate: (candidate) => handle.trickle(candidate),
        broken: (text) => this.#break(text),
      });
      for (;;) await this.#follow(handle);
    } catch (failure) {
      if (failure instanceof JanusOver) throw failure;
      this.#wake.check();
      handle?.detach();
      return failure; // also of the browser: codecs, ICE servers
    } finally {
      this.#line?.close();
      this.#line = null;
      this.#feeds.beginAnew();
      this.#doubts.end();
    }
  }

  /** Do what is next: an offer is answered before anything else is asked for. */
  async #follow(handle) {
    if (this.#broken) throw new LineFailure(this.#broken);
    const change = this.#feeds.nextChange(performance.now());
    if (this.#offers.length) await this.#take(this.#offers.shift(), handle);
    else if (performance.now() >= this.#offerDue) throw new LineFailure("Janus does not offer what it has announced");
    else if (performance.now() >= this.#doubts.nextDeadline()) await this.#checkDelivery(this.#line);
    else if (change) await this.#ask(change, handle);
    else await this.#wait();
  }

  async #checkDelivery(line) {
    const silent = this.#doubts.silent(await this.#delivered(line), performance.now());
    if (silent.length) throw new LineFailure(`${silent.length} feeds deliver nothing since a socket was lost`);
  }

  /** How many packets have come of each feed that we are subscribed to: feed → number. */
  async #delivered(line) {
    const counting = [...this.#feeds.carried()].map(async ([feed, mids]) => [feed, await line.received(mids)]);
    return new Map(await Promise.all(counting));
  }

  async #ask(change, handle) {
    const [subscribe, unsubscribe] = [change.subscribe, change.unsubscribe].map((feeds) => feeds.map((feed) => ({ feed })));
    const update = { request: "update", ...(subscribe.length && { subscribe }), ...(unsubscribe.length && { unsubscribe }) };
    try {
      const answer = await handle.ask(this.#isJoined ? update : { ...this.#join, streams: subscribe });
      this.#isJoined = true;
      this.#feeds.done(change);
      await this.#take(answer, handle);
    } catch (failure) {
      if (!(failure instanceof JanusRefused) || failure.code !== NO_SUCH_FEED) throw failure;
      this.#feeds.refused(change, performance.now());
    }
  }

  /** Answer an offer, and give what its m-lines carry to whom it concerns. */
  async #take({ data, jsep }, handle) {
    const isLayout = data.videoroom === "attached" || data.videoroom === "updated";
    // A layout without an offer: nothing has changed. Without a layout, either: the offer is still to come.
    this.#offerDue = jsep || isLayout ? Infinity : performance.now() + OFFER_LIMIT;
    if (!jsep) return;
    await this.#line.hear(jsep);
    const answer = await this.#line.describe();
    if (isLayout) for (const route of this.#feeds.laidOut(data.streams ?? [])) this.#lead(route);
    await handle.ask({ request: "start" }, answer);
    this.#line.agreed();
  }

  #lead({ mid, user }) {
    const transceiver = this.#line.pc.getTransceivers().find((one) => one.mid === mid);
    if (transceiver) this.#track(user, transceiver.receiver.track);
  }

  #hear({ janus, plugindata, jsep, candidate, reason }) {
    if (janus === "event" && jsep) this.#offers.push({ data: plugindata.data, jsep });
    else if (janus === "trickle") return this.#line?.trickled(candidate);
    else if (janus === "hangup") return this.#break(`Janus has hung up: ${reason}`);
    else if (janus === "detached") return this.#break("Janus has ended the handle");
    this.#wake.wake();
  }

  #break(text) {
    this.#broken = text;
    this.#wake.wake();
  }

  /** Wait for a change, or until something is due. */
  #wait() {
    const due = Math.min(this.#offerDue, this.#feeds.nextDeadline(), this.#doubts.nextDeadline());
    return this.#wake.wait(due - performance.now());
  }
}
