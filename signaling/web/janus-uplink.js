/** What we send, once for all: the publisher's handle, and one connection while there is something to send. */

import { Breaks, Wake } from "./janus-breaks.js";
import { JanusLine, LineFailure } from "./janus-line.js";
import { JanusOver } from "./janus.js";

const LINGER = 3_000; // milliseconds that we stay a publisher with nothing to send: another source may be on its way
const HANGUP_LIMIT = 2_000; // milliseconds for Janus to end its side of a connection
const RETRY_MIN = 500; // milliseconds before we publish again after a failure, doubling
const RETRY_MAX = 8_000;
const KINDS = ["audio", "video"];

/**
 * Publishes what there is of ours, while we may. `media`: {local: {stream, tracks}, ways, maySend} as they are at any
 * time.
 */
export class Uplink {
  #handle;
  #media;
  #wake = new Wake();
  #line = null;
  #senders = {}; // by kind
  #broken = null; // why
  #isHungUp = false;

  constructor(handle, media) {
    this.#handle = handle;
    this.#media = media;
  }

  /** Publish whenever that is wanted. Throws `JanusFailure` when the session is over. */
  async run() {
    const breaks = new Breaks(RETRY_MIN, RETRY_MAX);
    for (;;) {
      while (!this.#isWanted) await this.#wake.wait();
      const began = performance.now();
      const failure = await this.#publish();
      await this.#end();
      if (!failure) continue;
      console.info("nothing is sent to Janus for now:", failure.message);
      await this.#wake.pause(breaks.after(performance.now() - began));
    }
  }

  /** Something may be wanted, or no longer. */
  look() {
    this.#wake.wake();
  }

  /** Send this track from now on, or nothing of its kind (null). */
  replaceTrack(kind, track) {
    this.#senders[kind]?.replaceTrack(track).catch((error) => this.#break(error.message));
    this.look();
  }

  /** Janus has ended its side. */
  hungUp(reason) {
    this.#isHungUp = true;
    this.#break(`Janus has hung up: ${reason}`);
  }

  /** Take one of Janus' candidates. */
  trickled(candidate) {
    this.#line?.trickled(candidate);
  }

  /** Send nothing any more. */
  close(why) {
    this.#wake.end(why);
    this.#hangUp();
  }

  get #isWanted() {
    return this.#media.maySend && this.#hasSomething;
  }

  get #hasSomething() {
    return KINDS.some((kind) => this.#media.local.tracks[kind]);
  }

  /** Publish until that is not wanted any more. Returns what has failed, null if nothing has. */
  async #publish() {
    try {
      await this.#connect();
      while (!this.#broken) if (await this.#isUnwantedForLong()) return null;
      return new LineFailure(this.#broken);
    } catch (failure) {
      if (failure instanceof JanusOver) throw failure;
      this.#wake.check();
      return failure; // also of the browser: codecs, ICE servers
    }
  }

  async #connect() {
    [this.#broken, this.#isHungUp] = [null, false];
    const line = (this.#line = new JanusLine(this.#media.ways, {
      candidate: (candidate) => this.#handle.trickle(candidate),
      broken: (text) => this.#break(text),
    }));
    const { stream, tracks } = this.#media.local;
    for (const kind of KINDS) {
      this.#senders[kind] = line.pc.addTransceiver(kind, { direction: "sendonly", streams: [stream] }).sender;
      await this.#senders[kind].replaceTrack(tracks[kind]);
    }
    const offer = await line.describe();
    const { jsep } = await this.#handle.ask({ request: "publish", ...codecOf(offer) }, offer);
    if (!jsep) throw new LineFailure("Janus answers without a description");
    await line.hear(jsep);
    line.agreed();
  }

  /** What is so after the next change, or after LINGER without anything to send. */
  async #isUnwantedForLong() {
    if (!this.#media.maySend) return true;
    const hadSomething = this.#hasSomething;
    const began = performance.now();
    await this.#wake.wait(hadSomething ? undefined : LINGER);
    return !hadSomething && performance.now() - began >= LINGER;
  }

  /** Be no publisher any more, as far as Janus can be told; without that it takes no other offer. */
  async #end() {
    this.#hangUp();
    try {
      await this.#handle.ask({ request: "unpublish" });
      const until = performance.now() + HANGUP_LIMIT;
      while (!this.#isHungUp && performance.now() < until) await this.#wake.wait(until - performance.now());
    } catch (failure) {
      if (failure instanceof JanusOver) throw failure;
      this.#wake.check();
    }
  }

  #hangUp() {
    this.#line?.close();
    [this.#line, this.#senders] = [null, {}];
  }

  #break(text) {
    this.#broken = text;
    this.#wake.wake();
  }
}

/** Janus prefers H.264, which not every browser has from the start. Nobody asks who watches: VP8 they all take. */
function codecOf({ sdp }) {
  return sdp.includes(" VP8/90000") ? { videocodec: "vp8" } : {};
}
