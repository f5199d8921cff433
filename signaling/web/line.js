/**
 * The line to the server: one session over as many WebSockets as it takes.
 *
 *     CONNECTING ──joined──► OPEN ──socket gone──► LOST ──joined, resumed──► OPEN
 *         │ refused           │                     │ grace over, refused
 *         └───────────────────┴──────close()────────┴────────────────────► CLOSED
 *
 * It carries messages and comes back after a loss; what the messages mean is decided in `exeunt.js`.
 */

const CONNECT_TIMEOUT = 10_000; // milliseconds from opening a socket to `joined`
const FIRST_DELAY = 250; // milliseconds before the first attempt to come back; doubles with every attempt
const LONGEST_DELAY = 4_000; // milliseconds

/** The server said no, or nobody answers: `code` is one of the server's error codes, or "unreachable". */
export class Refused extends Error {
  constructor(code, text, reason = null) {
    super(text);
    this.name = "Refused";
    this.code = code;
    this.reason = reason; // the session has ended while we were away, and this is why
  }
}

/** The reason to leave with, when the server does not let us resume. */
const REASON_OF_REFUSAL = { token_expired: "token_expired", server_shutdown: "server_shutdown", banned: "kicked" };

/** One session's connection. Tells its listener: message(m), lost(grace), back(joined), ended(reason, text). */
export class Line {
  #url;
  #listener;
  #join;
  #socket = null;
  #closed = false;
  #abort = null; // ends the attempt to connect that is under way
  #wake = null; // ends the pause before the next attempt
  #isHasty = false; // the network is back: the next attempt is not put off
  #joined = null;

  constructor(url, join, listener) {
    this.#url = url;
    this.#join = join;
    this.#listener = listener;
    this.seq = 0; // the last room event that was seen; the listener keeps it
  }

  /** Enter the room. Returns the server's `joined`, or throws `Refused`. */
  async open() {
    addEventListener("offline", this.#offline);
    addEventListener("online", this.#online);
    try {
      return await this.#connect(this.#join, CONNECT_TIMEOUT);
    } catch (refused) {
      this.close();
      throw refused;
    }
  }

  /** Say something to the server. Returns whether there was a connection to say it on. */
  say(message) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /**
   * Say that we leave by a request that outlives the page: what is said on its socket may be lost with that. Whichever
   * the server hears first counts.
   */
  sayFarewell() {
    if (!this.#joined) return;
    const { session, ticket } = this.#joined;
    const address = new URL(this.#url, location.href);
    address.protocol = address.protocol.replace("ws", "http");
    navigator.sendBeacon(address, JSON.stringify({ session, ticket, reason: "left", by: "page" }));
  }

  /** Whether what we say reaches the server now, as far as we know. */
  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Come back with this token, should the connection be lost. */
  useToken(token) {
    this.#join = { ...this.#join, token };
  }

  /** The session goes on in another room. */
  moved({ room, seq, grace }) {
    this.#join = { ...this.#join, room };
    this.#joined = { ...this.#joined, grace };
    this.seq = seq;
  }

  /** Let go of the connection, in any state. Nothing is told to the listener any more. */
  close() {
    this.#closed = true;
    removeEventListener("offline", this.#offline);
    removeEventListener("online", this.#online);
    this.#abort?.();
    this.#wake?.();
    this.#drop();
  }

  #connect(join, timeout) {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(this.#url);
      const settle = (outcome, value) => {
        clearTimeout(deadline);
        this.#abort = null;
        if (outcome === reject) release(socket);
        outcome(value);
      };
      const refuse = (code, text, reason) => settle(reject, new Refused(code, text, reason));
      const deadline = setTimeout(() => refuse("unreachable", "The server does not answer."), timeout);
      this.#abort = () => refuse("unreachable", "The connection was given up.");
      socket.onopen = () => socket.send(JSON.stringify(join));
      socket.onclose = () => refuse("unreachable", "The server cannot be reached.");
      socket.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        if (message.type === "exitRoom") return refuse("session_gone", message.text ?? "", message.reason);
        if (message.type !== "joined") return refuse(message.code, message.text ?? "");
        this.#adopt(socket, message);
        settle(resolve, message);
      };
    });
  }

  #adopt(socket, joined) {
    this.#socket = socket;
    this.#joined = joined;
    socket.onmessage = ({ data }) => this.#listener.message(JSON.parse(data));
    socket.onclose = () => this.#lose();
  }

  #lose() {
    this.#drop();
    this.#listener.lost(this.#joined.grace);
    if (!this.#closed) this.#comeBack();
  }

  async #comeBack() {
    const until = performance.now() + this.#joined.grace * 1000;
    for (let attempt = 0; !this.#closed; attempt += 1) {
      await this.#pause(Math.min(delayBefore(attempt), until - performance.now()));
      if (this.#closed) return;
      const left = until - performance.now();
      if (left <= 0) return this.#end("network_lost", null);
      if (await this.#resume(Math.min(CONNECT_TIMEOUT, left))) return;
    }
  }

  /** Try once to take up the session again. Returns whether that is settled, well or badly. */
  async #resume(timeout) {
    const { session, secret } = this.#joined;
    try {
      const joined = await this.#connect({ ...this.#join, resume: { session, secret, seq: this.seq } }, timeout);
      if (joined.resumed) this.#listener.back(joined);
      else this.#end("network_lost", null);
    } catch (refused) {
      if (!(refused instanceof Refused)) throw refused;
      if (refused.code === "unreachable") return this.#closed;
      this.#end(refused.reason ?? REASON_OF_REFUSAL[refused.code] ?? "network_lost", refused.message || null);
    }
    return true;
  }

  #end(reason, text) {
    if (this.#closed) return;
    this.close();
    this.#listener.ended(reason, text);
  }

  #pause(milliseconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#isHasty ? 0 : milliseconds);
      this.#isHasty = false;
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #drop() {
    if (this.#socket) release(this.#socket);
    this.#socket = null;
  }

  // A socket without a network stays "open" for minutes: the browser's word for it is quicker.
  #offline = () => {
    if (this.#socket) this.#lose();
  };

  // An attempt that is under way may have begun without a network, and would hang for long.
  #online = () => {
    if (this.#socket || !this.#joined) return;
    this.#isHasty = this.#abort !== null;
    this.#abort?.();
    this.#wake?.();
  };
}

function release(socket) {
  socket.onopen = socket.onmessage = socket.onclose = null;
  socket.close();
}

/** Half of the delay is chance: a room that lost its server must not come back in one instant. */
function delayBefore(attempt) {
  return Math.min(FIRST_DELAY * 2 ** attempt, LONGEST_DELAY) * (0.5 + Math.random() / 2);
}
