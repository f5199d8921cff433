/**
 * What two peers say to each other straight, over the data channel of their call: texts of JSON. A goodbye said here
 * arrives when the server is gone, too.
 *
 *     {"type": "leave", reason?, text?, wantsAck?}   I leave: "left" if no reason is said, "error" or "network_lost"
 *     {"type": "ack"}                                I know that you leave
 *     {"type": "media", published, muted}            of these kinds I send something; of those muted silence or black;
 *                                                    said when a channel opens, and whenever it changes
 */

export const CHANNEL = "exeunt"; // the channel's label

const LONGEST_MESSAGE = 8 * 1024; // UTF-16 units
const LONGEST_TEXT = 1_000; // characters
// What somebody can say of themselves. The other reasons are the server's to tell: it has told everybody.
const OWN_REASONS = new Set(["left", "error", "network_lost"]);

/** Read what came over the channel: a message with all its fields, or null for what is not ours. */
export function readMessage(text) {
  const message = typeof text === "string" && text.length <= LONGEST_MESSAGE ? parse(text) : null;
  if (message?.type === "ack") return { type: "ack" };
  if (message?.type === "media") return readMedia(message);
  return message?.type === "leave" ? readLeave(message) : null;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null; // other programs may use the channel one day
  }
}

function readLeave({ reason = "left", text = null, wantsAck = false }) {
  const isKnown = OWN_REASONS.has(reason) && isText(text) && typeof wantsAck === "boolean";
  return isKnown ? { type: "leave", reason, text, wantsAck } : null;
}

function readMedia({ published = [], muted = [] }) {
  return areKinds(published) && areKinds(muted) ? { type: "media", published, muted } : null;
}

function areKinds(list) {
  return Array.isArray(list) && list.every((kind) => kind === "audio" || kind === "video");
}

function isText(text) {
  return text === null || (typeof text === "string" && [...text].length <= LONGEST_TEXT);
}
