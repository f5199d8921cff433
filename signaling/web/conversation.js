/** What we and one user's session say to each other: letters, over a data channel, or through the server. */

import { LOSSY, acknowledgement, dataOf, fromServer, read, written } from "./letter.js";
import { Changes } from "./waits.js";
import { Incoming, Outgoing, Pieces } from "./window.js";

const BUFFER = 32 * 1024; // bytes that wait in a data channel: what must not wait for long waits behind them
const LOSSY_BUFFER = 16 * 1024; // bytes; beyond, a lossy letter is lost at once
const ACK_DELAY = 20; // milliseconds in which further letters may come that are acknowledged together

/** Something said to another user did not reach them, or was not answered: `code` says which. */
export class MessageError extends Error {
  constructor(code, text) {
    super(text);
    this.name = "MessageError";
    this.code = code; // "unreachable", "user_gone", "no_answer", "no_responder", "request_failed"
  }
}

/**
 * Everything said to and by one session of one user. `post` is the way through the server: {isOpen, isAway,
 * say(user, data)}; `heard(head, data)` gets each of their letters once, in order. `texts`: they are a page of
 * RTCMultiConnection, and speak over their channel as `rmc.js` says. There nothing is acknowledged: what is in the
 * channel's buffer counts as taken, but for what the server was given: the channel waits until that is taken.
 */
export class Conversation {
  #post;
  #heard;
  #texts;
  #isAway = false; // the server cannot reach them
  #isStuck = false; // they have taken nothing since we waited in vain: nobody waits for them again
  #talk = null;
  #lossy = null;
  #outgoing = new Outgoing();
  #incoming = new Incoming();
  #questions = new Map(); // number → the promise of the answer, with its resolvers
  #changes = new Changes();
  #ack = null;
  #over = null; // why

  constructor(user, session, { post, heard, texts = null }) {
    this.user = user;
    this.session = session;
    this.#post = post;
    this.#heard = heard;
    this.#texts = texts;
  }

  /** Whether there is no way now, and none that will soon be there. */
  get isUnreachable() {
    return !isOpen(this.#talk) && (this.#isAway || this.#post.isAway);
  }

  /** Whether everything said is known to be taken, or cannot be any more. */
  get isSettled() {
    return this.#over !== null || this.#outgoing.isEmpty || this.isUnreachable;
  }

  get #way() {
    if (isOpen(this.#talk)) return "channel";
    return this.#canPost ? "server" : null;
  }

  get #canPost() {
    return this.#post.isOpen && !this.#isAway;
  }

  /** Use a data channel from now on, once it is open, in the place of the former. */
  adopt(channel) {
    if (this.#over !== null) return;
    channel.binaryType = "arraybuffer";
    if (channel.label === LOSSY) return this.#adoptLossy(channel);
    this.#talk = channel;
    const pieces = new Pieces();
    channel.bufferedAmountLowThreshold = BUFFER / 2;
    channel.onmessage = ({ data }) => (this.#texts ? this.#hearText(data) : this.#hear(data, pieces));
    channel.onbufferedamountlow = () => this.#sayOn();
    channel.onopen = channel.onclose = () => channel === this.#talk && this.renew();
    if (isOpen(channel)) this.renew();
  }

  /** The server can reach them, or not. */
  away(isAway) {
    this.#isAway = isAway;
    this.serverTurned();
  }

  /** The way through the server is there again, or not: that is of interest where there is no channel. */
  serverTurned() {
    if (isOpen(this.#talk) && !this.#texts) this.#changes.tell();
    else this.renew();
  }

  /** We were cut off from the server: what it was given for us meanwhile may be lost, and the sender not know. */
  cameBack() {
    if (isOpen(this.#talk) || this.#texts) return; // what a page says is no letter
    this.#incoming.missed();
    this.#acknowledge();
  }

  /** There may be another way: say on it what is not known to be taken, and what we have taken. */
  renew() {
    if (this.#over !== null) return;
    this.#outgoing.again();
    this.#incoming.renewed();
    if (!this.#incoming.isKnown) this.#acknowledge();
    this.#sayOn();
  }

  /** Say something reliably; resolves to "channel", "server" or "kept". */
  async send(head, content, { keep, limit }) {
    if (!keep) this.#checkReachable();
    const number = await this.#keep(head, content, limit);
    await this.#patiently(() => this.#outgoing.isSaid(number) || this.isUnreachable, limit);
    return (this.#outgoing.isSaid(number) && this.#way) || "kept";
  }

  /** Say something that may be lost, at once or never; returns "channel" or "dropped". */
  sayLossy(head, content) {
    this.#checkNotOver();
    const channel = this.#texts ? this.#talk : this.#lossy;
    if (!isOpen(channel) || channel.bufferedAmount > LOSSY_BUFFER) return "dropped";
    if (this.#texts) this.#sayText({ head, content });
    else channel.send(written({ head, content }));
    return "channel";
  }

  /** Ask; resolves to the letter that answers, or to nothing after `limit` milliseconds. */
  async ask(head, content, limit) {
    this.#checkReachable();
    const number = await this.#keep({ ...head, asks: true }, content, limit);
    let answer = null;
    this.#questions.set(number, (letter) => (answer = letter));
    try {
      await this.#until(() => answer !== null, limit);
      return answer;
    } finally {
      this.#questions.delete(number);
    }
  }

  /** Resolves when everything is settled, or after so many milliseconds. */
  async settled(limit) {
    await this.#changes.until(() => this.isSettled, limit);
  }

  /** They are gone, or we are: nothing is said or heard any more. */
  close(why) {
    this.#over ??= why;
    clearTimeout(this.#ack);
    this.#changes.tell();
  }

  /** Take in what came through the server; returns false if it is no letter. */
  hearFromServer(data) {
    const message = fromServer(data);
    if (message?.type === "taken") this.#hearTaken(message);
    else if (message) this.#take(message);
    return message !== null;
  }

  #adoptLossy(channel) {
    this.#lossy = channel;
    channel.onmessage = ({ data }) => {
      const letter = data instanceof ArrayBuffer ? read(new Uint8Array(data)) : null;
      if (letter?.head.number === 0) this.#passOn(letter);
    };
  }

  /** Put a letter into the window as soon as there is room; resolves to its number. */
  async #keep(head, content, limit) {
    if (!(await this.#patiently(() => this.#outgoing.hasRoom(content.length), limit))) {
      throw new MessageError("unreachable", `${this.user} has not taken what was said before: no more can be kept.`);
    }
    const number = this.#outgoing.nextNumber;
    this.#outgoing.add({ head: { ...head, number }, content });
    this.#sayOn();
    return number;
  }

  /** Wait as `#until`, but not for somebody who cannot be reached, nor again for one who took nothing since. */
  async #patiently(condition, limit) {
    const cameTrue = await this.#until(condition, this.#isStuck || this.isUnreachable ? 0 : limit);
    this.#isStuck = !cameTrue;
    return cameTrue;
  }

  #until(condition, limit) {
    return this.#changes.until(() => this.#checkNotOver() ?? condition(), limit);
  }

  #checkNotOver() {
    if (this.#over !== null) throw new MessageError("user_gone", this.#over);
  }

  #checkReachable() {
    if (this.isUnreachable) throw new MessageError("unreachable", `${this.user} cannot be reached now.`);
  }

  /** Hand over as much as the present way takes. */
  #sayOn() {
    if (this.#over !== null) return;
    if (this.#texts) this.#sayTexts();
    else if (this.#way === "channel") this.#sayPieces();
    else if (this.#way === "server") this.#sayEnvelopes();
    this.#changes.tell();
  }

  #sayPieces() {
    while (isOpen(this.#talk) && this.#talk.bufferedAmount < BUFFER) {
      const piece = this.#outgoing.piece();
      if (!piece) return;
      this.#talk.send(piece);
    }
  }

  #sayEnvelopes(which = {}) {
    for (let next; (next = this.#outgoing.envelope(which)); ) this.#post.say(this.user, next);
  }

  #sayTexts() {
    const channel = isOpen(this.#talk) ? this.#talk : null;
    for (let next; channel?.bufferedAmount < BUFFER && (next = this.#outgoing.handOver()); ) this.#sayText(next);
    if (this.#canPost) this.#sayEnvelopes({ isAgain: channel !== null });
  }

  #sayText(letter) {
    for (const piece of this.#texts.pieces(letter)) this.#talk.send(piece);
  }

  #hearText(message) {
    const said = this.#texts.hear(message);
    if (said && this.#over === null) this.#heard({ topic: "message" }, said.data);
  }

  #hear(data, pieces) {
    if (typeof data === "string") {
      const taken = acknowledgement(data);
      if (taken) this.#hearTaken(taken);
      return;
    }
    const body = pieces.add(new Uint8Array(data));
    const letter = body && read(body);
    if (letter) this.#take(letter);
  }

  #hearTaken(taken) {
    this.#isStuck = false;
    this.#outgoing.hear(taken);
    this.#sayOn();
  }

  #take(letter) {
    if (this.#over !== null) return;
    const isNew = this.#incoming.take(letter.head.number);
    this.#ack ??= setTimeout(() => this.#acknowledge(), ACK_DELAY);
    if (isNew) this.#passOn(letter);
  }

  #passOn(letter) {
    if (this.#over !== null) return;
    if (letter.head.answers) {
      this.#questions.get(letter.head.answers)?.(letter);
      this.#changes.tell();
      return;
    }
    try {
      this.#heard(letter.head, dataOf(letter));
    } catch (error) {
      console.warn(`${this.user} said something that is not what it says it is`, error);
    }
  }

  #acknowledge() {
    clearTimeout(this.#ack);
    this.#ack = null;
    if (this.#way === "channel") this.#talk.send(JSON.stringify(this.#incoming.taken()));
    else if (this.#way === "server") this.#post.say(this.user, this.#incoming.taken());
  }
}

function isOpen(channel) {
  return channel?.readyState === "open";
}
