/** What cannot be is refused at once, with a sentence that says what to do. */

const WAITS = ["server", "everyone", null];
const LONGEST_BAN = 366 * 86_400; // seconds

/** Throws if a leave cannot wait for that. */
export function checkWait(wait) {
  if (!WAITS.includes(wait)) throw new Error(`wait must be "server", "everyone" or null, not ${JSON.stringify(wait)}`);
}

/** Throws if nobody can be kept out for so many seconds (null: for no time at all). */
export function checkBan(seconds) {
  if (seconds === null || (Number.isFinite(seconds) && seconds > 0 && seconds <= LONGEST_BAN)) return;
  throw new Error(`banFor must be more than 0 and at most ${LONGEST_BAN} seconds, not ${JSON.stringify(seconds)}`);
}
