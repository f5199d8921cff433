/**
 * One letter: something said to one user, as it travels; the same as Python's `peer.conversation.letter`. Pure.
 *
 * On the data channel it is a line of JSON (its head), a line break and the content, cut into pieces of 16 KiB, each
 * behind one byte of FIRST and LAST. Through the server it is one `message` of the topic "exeunt", bytes as base64.
 */

export const TALK = "exeunt.talk"; // the labels of the two data channels
export const LOSSY = "exeunt.lossy";
export const TOPIC = "exeunt"; // of what goes through the server
export const MAX_RELIABLE = 256 * 1024; // bytes
export const MAX_LOSSY = 1_000; // bytes: one packet
export const MAX_BODY = MAX_RELIABLE + 1024; // bytes, with the head
export const FIRST = 1; // bits of a piece's first byte
export const LAST = 2;

const PIECE = 16 * 1024; // bytes, the first included
const MAX_POSTED = 16 * 1024; // bytes of JSON that the server passes on
const MAX_TOPIC = 64; // characters
const LINE_BREAK = 10;
const FAILURES = new Set([undefined, "no_responder", "failed"]);
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** What is to be said, as {form, content}. Throws for what cannot be. */
export function contentOf(topic, data, largest) {
  const length = typeof topic === "string" ? [...topic].length : 0;
  if (length < 1 || length > MAX_TOPIC) throw new RangeError(`A topic has 1 to ${MAX_TOPIC} characters.`);
  const [form, content] = write(data);
  if (content.length <= largest) return { form, content };
  throw new RangeError(`This is ${content.length} bytes as ${form}; at most ${largest} can be said at once.`);
}

function write(data) {
  if (data instanceof ArrayBuffer) return ["bytes", new Uint8Array(data.slice())];
  if (data instanceof Uint8Array) return ["bytes", data.slice()];
  if (ArrayBuffer.isView(data)) throw new TypeError("Say the bytes of an array: new Uint8Array(array.buffer).");
  return ["json", encoder.encode(JSON.stringify(data) ?? "null")];
}

/** What a letter says. Throws if that is not what its head says. */
export function dataOf({ head, content }) {
  return head.form === "bytes" ? content : JSON.parse(decoder.decode(content));
}

/** A letter as it goes over a data channel, uncut. */
export function written({ head, content }) {
  const line = encoder.encode(`${JSON.stringify(head)}\n`);
  const body = new Uint8Array(line.length + content.length);
  body.set(line);
  body.set(content, line.length);
  return body;
}

/** Read what came over a data channel; null: no letter. */
export function read(body) {
  const end = body.indexOf(LINE_BREAK);
  const head = end < 0 ? null : readHead(parse(body.subarray(0, end)));
  return head && { head, content: body.slice(end + 1) };
}

/** The piece of a letter that begins there, and where the next does. */
export function cut(body, offset) {
  const end = offset + PIECE - 1;
  const part = body.subarray(offset, end);
  const piece = new Uint8Array(part.length + 1);
  piece[0] = (offset === 0 ? FIRST : 0) | (end >= body.length ? LAST : 0);
  piece.set(part, 1);
  return { piece, end };
}

/** A letter as it goes through the server; null: it is too large for that. */
export function posted({ head, content }) {
  const text = head.form === "bytes" ? toBase64(content) : decoder.decode(content);
  const envelope = { type: "letter", head, text };
  return encoder.encode(JSON.stringify(envelope)).length <= MAX_POSTED ? envelope : null;
}

/** Read what came through the server: a letter, an acknowledgement ({type: "taken"}), or null for neither. */
export function fromServer(data) {
  if (data?.type === "taken") return readTaken(data);
  const head = data?.type === "letter" && typeof data.text === "string" ? readHead(data.head) : null;
  if (!head) return null;
  const content = head.form === "bytes" ? fromBase64(data.text) : encoder.encode(data.text);
  return content && { type: "letter", head, content };
}

/** Read an acknowledgement, a text that came over a data channel; null for anything else. */
export function acknowledgement(text) {
  const message = text.length < 256 ? parse(encoder.encode(text)) : null;
  return message?.type === "taken" ? readTaken(message) : null;
}

function readTaken({ number, missing = false }) {
  return isNumber(number) && typeof missing === "boolean" ? { type: "taken", number, missing } : null;
}

function readHead(head) {
  const { topic, number = 0, form = "json", asks = false, answers = 0, failure } = head ?? {};
  const isKnown = typeof topic === "string" && (form === "json" || form === "bytes") && FAILURES.has(failure);
  return isKnown && isNumber(number) && isNumber(answers) ? { topic, number, form, asks, answers, failure } : null;
}

function isNumber(number) {
  return Number.isSafeInteger(number) && number >= 0;
}

function parse(bytes) {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    return null;
  }
}

/** Bytes as text that JSON can say. */
export function toBase64(bytes) {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

function fromBase64(text) {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}
