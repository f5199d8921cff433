/** What we show: one track of each kind at most, muted or not. Whoever publishes a track gives it away: it is stopped here. */

const KINDS = ["audio", "video"];

/**
 * Tells its listener: send(kind, track) what is to be sent of a kind from now on, or nothing (null); say(message) what
 * the others are to know of it; ended(kind, label) when a track ends by itself: a device was unplugged, or taken back
 * by its person.
 */
export class Published {
  #tracks = new Map(); // by kind
  #muted = new Set();
  #listener;

  constructor(listener) {
    this.#listener = listener;
  }

  /** The kinds that are shown. */
  get kinds() {
    return new Set(this.#tracks.keys());
  }

  /** The kinds that are muted, whether or not there is something of them. */
  get muted() {
    return new Set(this.#muted);
  }

  /** What the others are to know. */
  get message() {
    return { type: "media", published: [...this.#tracks.keys()], muted: [...this.#muted] };
  }

  /** Show these tracks in place of what was shown, one of each kind at most. */
  show(tracks) {
    for (const kind of KINDS) this.#put(kind, tracks.find((track) => track.kind === kind) ?? null);
    this.#listener.say(this.message);
  }

  /** Send silence or black of a kind, or what the device delivers again. */
  setMuted(kind, isMuted) {
    if (isMuted) this.#muted.add(kind);
    else this.#muted.delete(kind);
    this.#apply(kind);
    this.#listener.say(this.message);
  }

  /** What is shown is to be sent anew: what carried it so far carries it no more. */
  sendAgain() {
    for (const [kind, track] of this.#tracks) this.#listener.send(kind, track);
  }

  /** Let every device go. */
  stop() {
    for (const track of this.#tracks.values()) stop(track);
    this.#tracks.clear();
  }

  #put(kind, track) {
    const old = this.#tracks.get(kind);
    if (old && old !== track) stop(old);
    if (track) this.#tracks.set(kind, track);
    else this.#tracks.delete(kind);
    if (track) track.onended = () => this.#end(kind, track);
    this.#apply(kind);
    this.#listener.send(kind, track);
  }

  #end(kind, track) {
    this.#put(kind, null);
    this.#listener.say(this.message);
    this.#listener.ended(kind, track.label);
  }

  #apply(kind) {
    const track = this.#tracks.get(kind);
    if (track) track.enabled = !this.#muted.has(kind);
  }
}

function stop(track) {
  track.onended = null;
  track.stop();
}
