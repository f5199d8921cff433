/**
 * One session with one Janus server, over one WebSocket at a time; the same as Python's `signaling.janus.session`.
 *
 *     open ──► READY ──socket lost──► CLAIMING ──claimed──► READY
 *                │                        └──refused, or no answer──► OVER
 *                └──Janus says that it is over──► OVER          close ──► OVER, from everywhere
 *
 * What was asked when the socket is lost fails: its answer may be lost with it. What is asked while the session is
 * claimed waits. Media have connections of their own, and go on meanwhile.
 */

import { pause } from "./janus-breaks.js";

const SUBPROTOCOL = "janus-protocol";
const PLUGIN = "janus.plugin.videoroom";
const CONNECT_LIMIT = 5_000; // milliseconds
const ASK_LIMIT = 5_000; // milliseconds for an answer
const CLAIM_LIMIT = 20_000; // milliseconds in which a lost session is claimed
const CLAIM_MIN = 100; // milliseconds between two attempts, doubling
const CLAIM_MAX = 2_000;
const KEEPALIVE = 20_000; // milliseconds; Janus forgets a session after 60 s
const NO_SUCH_SESSION = 458;
const ANSWERED_BY_ACK = new Set(["keepalive", "trickle"]);

/** Janus does not do what it was asked for, or does not answer. */
export class JanusFailure extends Error {}

/** Janus, or its plugin, said no: `code` is a number of theirs. */
export class JanusRefused extends JanusFailure {
  constructor(code, text) {
    super(`Janus refuses: ${text} (${code})`);
    this.code = code;
  }
}

/** The session is over. */
export class JanusOver extends JanusFailure {}

/** Opened once, closed once. Tells its listener: back() after a loss, over(failure) unless it was `close` that ended it. */
export class JanusSession {
  #url;
  #listener;
  #socket = null;
  #id = null;
  #isReady = false;
  #over = null; // why
  #asked = new Map(); // transaction → {text, isSent, takesAck, timer, resolve, reject}
  #handles = new Map(); // id → who hears what Janus says of it unasked
  #counter = 0;
  #keeping = null;

  constructor(url, listener) {
    this.#url = url;
    this.#listener = listener;
  }

  /** Connect and begin the session. Throws `JanusFailure`; whoever opens closes then, too. */
  async open() {
    await this.#connect();
    const { data } = await this.#ask({ janus: "create" }, { isFirst: true });
    this.#id = data.id;
    this.#keeping = setInterval(() => this.#keepAlive(), KEEPALIVE);
    this.#setReady();
  }

  /** A new handle with the VideoRoom; `heard` gets what Janus says of it unasked. Throws `JanusFailure`. */
  async attach(heard) {
    const { data } = await this.#ask({ janus: "attach", plugin: PLUGIN });
    this.#handles.set(data.id, heard);
    return new Handle(data.id, (request) => this.#ask({ ...request, handle_id: data.id }));
  }

  /** End the session and hang up; nobody waits for Janus' answer. May be called twice, in any state. */
  close() {
    if (this.#over) return;
    const destroy = { janus: "destroy", session_id: this.#id, transaction: "last" };
    if (this.#isReady) this.#socket.send(JSON.stringify(destroy));
    this.#end(new JanusOver(`the session with ${this.#url} is closed`));
  }

  // -- one socket after the other --

  #connect() {
    const { promise, resolve, reject } = Promise.withResolvers();
    const socket = (this.#socket = new WebSocket(this.#url, SUBPROTOCOL));
    const deadline = setTimeout(() => socket.close(), CONNECT_LIMIT);
    socket.onopen = () => {
      clearTimeout(deadline);
      resolve();
    };
    socket.onmessage = ({ data }) => this.#hear(JSON.parse(data));
    socket.onclose = () => {
      clearTimeout(deadline);
      reject(new JanusFailure(`no Janus answers at ${this.#url}`));
      if (socket === this.#socket) this.#lose();
    };
    return promise;
  }

  #lose() {
    this.#drop();
    for (const [transaction, { isSent }] of this.#asked) {
      if (isSent) this.#settle(transaction, new JanusFailure(`the connection to ${this.#url} is lost`));
    }
    if (!this.#isReady) return; // an attempt to connect has failed: whoever made it knows
    this.#isReady = false;
    this.#claim();
  }

  async #claim() {
    const until = performance.now() + CLAIM_LIMIT;
    for (let delay = CLAIM_MIN; performance.now() < until; delay = Math.min(2 * delay, CLAIM_MAX)) {
      await pause(delay);
      if (this.#over) return;
      if (await this.#claimOnce()) return;
    }
    this.#die(new JanusOver(`the session with ${this.#url} did not come back in time`));
  }

  /** Try to take the session up again on a new socket. Returns whether that is settled, well or badly. */
  async #claimOnce() {
    try {
      await this.#connect();
      await this.#ask({ janus: "claim" }, { isFirst: true });
    } catch (failure) {
      if (failure instanceof JanusRefused) this.#die(new JanusOver(failure.message));
      else this.#drop();
      return this.#over !== null;
    }
    this.#setReady();
    this.#listener.back();
    return true;
  }

  #setReady() {
    this.#isReady = true;
    for (const asked of this.#asked.values()) this.#send(asked);
  }

  async #keepAlive() {
    if (!this.#isReady) return;
    try {
      await this.#ask({ janus: "keepalive" });
    } catch {
      // A socket without a network stays "open" for minutes: the missing answer is quicker.
      if (!this.#over && this.#isReady) this.#lose();
    }
  }

  // -- what is said --

  /** Say something and return the answer; `isFirst`: on a socket on which the session is not ready yet. */
  #ask(request, { isFirst = false } = {}) {
    if (this.#over) return Promise.reject(this.#over);
    const transaction = String((this.#counter += 1));
    const { promise, resolve, reject } = Promise.withResolvers();
    const late = new JanusFailure(`${this.#url} did not answer within ${ASK_LIMIT / 1000} s`);
    const timer = setTimeout(() => this.#settle(transaction, late), ASK_LIMIT);
    const text = JSON.stringify({ ...request, transaction, ...(this.#id && { session_id: this.#id }) });
    const asked = { text, isSent: false, takesAck: ANSWERED_BY_ACK.has(request.janus), timer, resolve, reject };
    this.#asked.set(transaction, asked);
    if (isFirst || this.#isReady) this.#send(asked);
    return promise;
  }

  #send(asked) {
    asked.isSent = true;
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(asked.text);
  }

  #hear(word) {
    const asked = this.#asked.get(word.transaction);
    if (asked && (word.janus !== "ack" || asked.takesAck)) this.#settle(word.transaction, refusalIn(word), word);
    else if (word.janus === "timeout") this.#die(new JanusOver("Janus has ended the session"));
    else if (!asked) this.#handles.get(word.sender)?.(word);
  }

  #settle(transaction, failure, word) {
    const { timer, resolve, reject } = this.#asked.get(transaction);
    this.#asked.delete(transaction);
    clearTimeout(timer);
    if (failure) reject(failure);
    else resolve(word);
    if (failure instanceof JanusOver) this.#die(failure);
  }

  #die(failure) {
    if (this.#over) return;
    this.#end(failure);
    this.#listener.over(failure);
  }

  #end(failure) {
    this.#over = failure;
    this.#isReady = false;
    clearInterval(this.#keeping);
    this.#drop();
    for (const transaction of [...this.#asked.keys()]) this.#settle(transaction, failure);
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onmessage = null;
    if (socket.readyState !== WebSocket.CONNECTING) socket.onclose = null; // else: who connects is to know
    socket.close();
  }
}

/** One tie to the VideoRoom: a publisher's or a subscriber's. */
export class Handle {
  #ask;

  constructor(id, ask) {
    this.id = id;
    this.#ask = ask;
  }

  /** Say something to the plugin; resolves to {data, jsep} of its answer. Throws `JanusFailure`, after 5 s at most. */
  async ask(body, jsep = null) {
    const { plugindata, jsep: theirs = null } = await this.#ask({ janus: "message", body, ...(jsep && { jsep }) });
    return { data: plugindata?.data ?? {}, jsep: theirs };
  }

  /** Janus can reach us at one more address; null: there are no more. */
  trickle(candidate) {
    this.#quietly({ janus: "trickle", candidate: candidate ?? { completed: true } });
  }

  /** End the handle and what it carries. What is over already is left alone. */
  detach() {
    this.#quietly({ janus: "detach" });
  }

  #quietly(request) {
    this.#ask(request).catch((failure) => console.debug("Janus:", failure.message)); // what it was for fails by itself
  }
}

/** What went wrong, as Janus or the plugin says; null: nothing. */
function refusalIn({ janus, error, plugindata }) {
  if (janus === "error" && error.code === NO_SUCH_SESSION) return new JanusOver(`Janus knows the session no more`);
  if (janus === "error") return new JanusRefused(error.code, error.reason);
  const { error_code: code, error: text } = plugindata?.data ?? {};
  return code ? new JanusRefused(code, text) : null;
}
