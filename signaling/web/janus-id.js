/**
 * As which publisher a session is known in a VideoRoom, and how it proves that; the same as Python's
 * `signaling.janus_words`. Pure.
 *
 * A browser's own SHA-256 is for pages that came over https alone, and answers later: a feed is to be known at once.
 */

const LARGEST = 2n ** 53n - 1n; // numbers of JSON that every reader takes exactly
const PRIMES = firstPrimes(64);
const ROUNDS = PRIMES.map((prime) => fraction(Math.cbrt(prime))); // FIPS 180-4, section 4.2.2
const START = PRIMES.slice(0, 8).map((prime) => fraction(Math.sqrt(prime))); // section 5.3.3

/** The number of a session's feed: 1 to 2^53 - 1. */
export function janusId(session) {
  return janusNumber("publisher", session);
}

/** As what a session is shown there during one stay, a number that is higher each time; it takes its own token. */
export function stayName(stay, token) {
  return `${stay} ${janusNumber("stay", stay, token)}`;
}

function janusNumber(...words) {
  const [high, low] = sha256(new TextEncoder().encode(words.join("\n")));
  return Number((((BigInt(high) << 32n) | BigInt(low)) % LARGEST) + 1n);
}

/** The eight words of the hash of some bytes (FIPS 180-4). */
export function sha256(bytes) {
  const text = padded(bytes);
  let hash = START;
  for (let at = 0; at < text.byteLength; at += 64) hash = mixed(hash, schedule(text, at));
  return hash;
}

/** The bytes, a bit that is set, zeros, and how many bits they were: a multiple of 64 bytes. */
function padded(bytes) {
  const text = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64);
  text.set(bytes);
  text[bytes.length] = 0x80;
  const view = new DataView(text.buffer);
  view.setBigUint64(text.length - 8, BigInt(bytes.length) * 8n);
  return view;
}

function schedule(text, at) {
  const words = Array.from({ length: 16 }, (_, index) => text.getUint32(at + 4 * index));
  for (let t = 16; t < 64; t += 1) {
    const [early, late] = [words[t - 15], words[t - 2]];
    const low = turned(early, 7) ^ turned(early, 18) ^ (early >>> 3);
    const high = turned(late, 17) ^ turned(late, 19) ^ (late >>> 10);
    words.push((high + words[t - 7] + low + words[t - 16]) >>> 0);
  }
  return words;
}

function mixed(hash, words) {
  let [a, b, c, d, e, f, g, h] = hash;
  for (const [t, word] of words.entries()) {
    const choice = (e & f) ^ (~e & g);
    const first = h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + choice + ROUNDS[t] + word;
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const second = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + majority;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) >>> 0, c, b, a, (first + second) >>> 0];
  }
  return [a, b, c, d, e, f, g, h].map((word, index) => (word + hash[index]) >>> 0);
}

function turned(word, bits) {
  return (word >>> bits) | (word << (32 - bits));
}

function fraction(number) {
  return Math.floor((number % 1) * 2 ** 32);
}

function firstPrimes(count) {
  const primes = [];
  for (let n = 2; primes.length < count; n += 1) if (primes.every((prime) => n % prime)) primes.push(n);
  return primes;
}
