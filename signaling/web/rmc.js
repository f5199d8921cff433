/**
 * What pages of RTCMultiConnection, which come through the server's gateway, say over their own data channel; the same
 * as Python's `peer.rtcmulticonnection.text`. Pure.
 *
 *     {"type": "text", uuid, message, packets, last, isobject}   a piece of a text, or of something as JSON
 *
 * They know neither topics nor acknowledgements.
 */

import { dataOf, toBase64 } from "./letter.js";

export const CHANNEL = "sctp"; // the label of their only channel

const PAGE_MARK = "rmc~"; // begins the sessions of such pages
const PIECE = 40_000; // UTF-16 units of one piece
const MAX_TEXT = 256 * 1024; // UTF-16 units of one text
const MOST_TEXTS = 8; // of which some pieces have come

/** Whether a session is that of such a page. */
export function isPage(session) {
  return session.startsWith(PAGE_MARK);
}

/** What we and one such page say to each other. */
export class Texts {
  #name = crypto.getRandomValues(new Uint32Array(2)).join("-"); // a page puts together what has one name, whoever said it
  #said = 0;
  #begun = new Map(); // uuid → what has come

  /** The messages that say a letter: a text as it is, bytes as base64, anything else as JSON. */
  pieces(letter) {
    this.#said += 1;
    const data = dataOf(letter);
    const plain = data instanceof Uint8Array ? toBase64(data) : data;
    return cut(plain, `${this.#name}-${this.#said}`);
  }

  /** Take in a message; returns {data} once it is whole. What is no text, or too long, is not. */
  hear(message) {
    const { type, uuid = "", message: part, last = false, isobject = false } = parse(message)?.data ?? {};
    if (type !== "text" || typeof part !== "string") return null;
    const text = (this.#begun.get(uuid) ?? "") + part;
    this.#begun.delete(uuid);
    if (text.length > MAX_TEXT) return null;
    if (last) return isobject ? parse(text) : { data: text };
    this.#keep(uuid, text);
    return null;
  }

  #keep(uuid, text) {
    if (this.#begun.size >= MOST_TEXTS) this.#begun.delete(this.#begun.keys().next().value);
    this.#begun.set(uuid, text);
  }
}

function cut(data, uuid) {
  const isobject = typeof data !== "string";
  const text = isobject ? JSON.stringify(data) : data;
  const count = Math.max(1, Math.ceil(text.length / PIECE));
  return Array.from({ length: count }, (_, index) => {
    const message = text.slice(index * PIECE, (index + 1) * PIECE);
    const packets = count - 1 - index;
    return JSON.stringify({ type: "text", uuid, message, packets, last: packets === 0, isobject });
  });
}

function parse(text) {
  try {
    return { data: JSON.parse(text) };
  } catch {
    return null;
  }
}
