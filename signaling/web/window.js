/**
 * Which letters are on their way to one user, and which have come from there; the same as Python's
 * `peer.conversation.window`. Pure.
 *
 * Every reliable letter has a number. The sender keeps it until it is known to be taken, and says it again on every new
 * way. The receiver takes each number once, in order.
 */

import { FIRST, LAST, MAX_BODY, cut, posted, written } from "./letter.js";

const KEPT_LETTERS = 256; // to one user, until they are taken
const KEPT_BYTES = 4 * 1024 * 1024;
const POSTED_LETTERS = 16; // through the server at a time

/** The letters to one user that are not known to be taken, and how far they have been said on the present way. */
export class Outgoing {
  #letters = [];
  #size = 0; // bytes
  #next = 1;
  #said = 0; // how many of the letters have been said as a whole
  #body = null; // of the one that is being said in pieces
  #offset = 0;
  #posted = 0; // the number of the last letter that the server was ever given
  #handed = 0; // letters that were handed over; the server counts without them

  get nextNumber() {
    return this.#next;
  }

  get isEmpty() {
    return this.#letters.length === 0;
  }

  hasRoom(size) {
    return this.#letters.length < KEPT_LETTERS && this.#size + size <= KEPT_BYTES;
  }

  /** Keep a letter, of the next number, until it is taken. */
  add(letter) {
    this.#letters.push(letter);
    this.#size += letter.content.length;
    this.#next += 1;
  }

  /** Whether that letter has been said as a whole on the present way, or is taken. */
  isSaid(number) {
    return number < this.#next - this.#letters.length + this.#said;
  }

  /** The next piece for a data channel; null: everything is said. */
  piece() {
    if (this.#said === this.#letters.length) return null;
    this.#body ??= written(this.#letters[this.#said]);
    const { piece, end } = cut(this.#body, this.#offset);
    this.#offset = end;
    if (piece[0] & LAST) this.#begin(this.#said + 1);
    return piece;
  }

  /**
   * The next letter, for a way on which nothing is acknowledged: it counts as taken. null: there is none, or the server
   * was given it, so that it may have been heard.
   */
  handOver() {
    if (this.isEmpty || this.#letters[0].head.number <= this.#posted) return null;
    const letter = this.#letters.shift();
    this.#size -= letter.content.length;
    this.#handed += 1;
    return letter;
  }

  /**
   * The next letter for the server; null: all are said, enough are on their way, or it is too large. `isAgain`: only
   * what the server was given before.
   */
  envelope({ isAgain = false } = {}) {
    if (this.#said === this.#letters.length || this.#said === POSTED_LETTERS) return null;
    const { head, content } = this.#letters[this.#said];
    if (isAgain && head.number > this.#posted) return null;
    const envelope = posted({ head: { ...head, number: head.number - this.#handed }, content });
    if (!envelope) return null;
    this.#said += 1;
    this.#posted = Math.max(this.#posted, head.number);
    return envelope;
  }

  /** There is a new way: everything is to be said on it. */
  again() {
    this.#begin(0);
  }

  /** Forget what was taken. A letter whose pieces are under way is kept until the last of them. */
  hear({ number, missing }) {
    const last = number + this.#handed;
    while (this.#letters[0]?.head.number <= last && (this.#said || !this.#offset)) {
      this.#size -= this.#letters.shift().content.length;
      this.#said = Math.max(0, this.#said - 1);
    }
    if (missing) this.again();
  }

  #begin(said) {
    this.#said = said;
    this.#body = null;
    this.#offset = 0;
  }
}

/** The letters from one user that were taken. */
export class Incoming {
  #last = 0;
  #isMissing = false; // a letter came too early, and nobody has been told
  #isTold = false;

  get last() {
    return this.#last;
  }

  /** Whether this letter is the next one: then it is taken. Others are known already, or come too early. */
  take(number) {
    if (number !== this.#last + 1) {
      this.#isMissing ||= number > this.#last && !this.#isTold;
      return false;
    }
    this.#last = number;
    this.#isMissing = this.#isTold = false;
    return true;
  }

  /** What was taken, and, once, that something is missing. */
  taken() {
    const missing = this.#isMissing;
    this.#isMissing = false;
    this.#isTold ||= missing;
    return { type: "taken", number: this.#last, ...(missing && { missing }) };
  }

  /** Whether the sender knows all of this: nothing was taken, and nothing is missing. */
  get isKnown() {
    return !this.#last && !this.#isMissing;
  }

  /** Something may have been lost on its way, and the sender does not know. */
  missed() {
    this.#isMissing = true;
  }

  /** There is a new way: what is missing may be told again. */
  renewed() {
    this.#isTold = false;
  }
}

/** What has come of a letter over one data channel. */
export class Pieces {
  #parts = [];
  #size = 0;

  /** Take a piece; returns the whole letter after its last, else null. */
  add(piece) {
    const mark = piece[0] ?? 0;
    if (mark & FIRST) this.#clear();
    else if (this.#parts.length === 0) return null;
    this.#parts.push(piece.subarray(1));
    this.#size += piece.length - 1;
    if (this.#size > MAX_BODY) this.#clear();
    return mark & LAST && this.#parts.length > 0 ? this.#join() : null;
  }

  #join() {
    const body = new Uint8Array(this.#size);
    let offset = 0;
    for (const part of this.#parts) {
      body.set(part, offset);
      offset += part.length;
    }
    this.#clear();
    return body;
  }

  #clear() {
    this.#parts = [];
    this.#size = 0;
  }
}
