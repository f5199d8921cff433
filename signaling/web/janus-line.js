/** One RTCPeerConnection with Janus: what a handle's session descriptions are about. */

import { JanusFailure } from "./janus.js";

const CONNECT_LIMIT = 15_000; // milliseconds from the descriptions to the connection

/** The connection cannot be made, or is over. */
export class LineFailure extends JanusFailure {}

/** Tells its listener: candidate(init or null) of ours, broken(text) when the connection fails or does not come about. */
export class JanusLine {
  #listener;
  #early = []; // candidates that came before the description they belong to
  #timer = null;

  constructor({ iceServers, iceTransportPolicy }, listener) {
    this.#listener = listener;
    this.pc = new RTCPeerConnection({ iceServers, iceTransportPolicy, bundlePolicy: "max-bundle" });
    this.pc.onicecandidate = ({ candidate }) => this.#sayCandidate(candidate);
    this.pc.onconnectionstatechange = () => this.#watch();
  }

  /** Whether media can flow at this moment. */
  get isConnected() {
    return this.pc.connectionState === "connected";
  }

  /** Make an offer or an answer of ours; returns it. */
  async describe() {
    await this.pc.setLocalDescription();
    return this.pc.localDescription;
  }

  /** Take an offer or an answer of Janus'. */
  async hear(description) {
    await this.pc.setRemoteDescription(description);
    for (const init of this.#early.splice(0)) await this.pc.addIceCandidate(init);
  }

  /** Take one of Janus' candidates: a Janus that is set to `full_trickle` says them one by one. */
  trickled({ completed = false, ...init }) {
    if (this.pc.remoteDescription === null) this.#early.push(completed ? null : init);
    else this.pc.addIceCandidate(completed ? null : init).catch((error) => console.debug("Janus:", error.message));
  }

  /** Both sides know the other's description: the connection is to be there soon. */
  agreed() {
    if (this.#timer !== null || this.isConnected) return;
    const text = `there is no connection after ${CONNECT_LIMIT / 1000} s`;
    this.#timer = setTimeout(() => this.#listener.broken(text), CONNECT_LIMIT);
  }

  /** How many packets have come on these m-lines. */
  async received(mids) {
    const receivers = this.pc.getTransceivers().filter(({ mid }) => mids.includes(mid));
    const reports = await Promise.all(receivers.map(({ receiver }) => receiver.getStats()));
    const inbound = reports.flatMap((report) => [...report.values()]).filter(({ type }) => type === "inbound-rtp");
    return inbound.reduce((sum, { packetsReceived }) => sum + packetsReceived, 0);
  }

  /** Close the connection. May be called twice. */
  close() {
    clearTimeout(this.#timer);
    this.pc.onicecandidate = this.pc.onconnectionstatechange = null;
    this.pc.close();
  }

  #sayCandidate(candidate) {
    // Some browsers mark the end by an empty candidate as well as by null: it is said once, for null.
    if (candidate?.candidate !== "") this.#listener.candidate(candidate);
  }

  #watch() {
    if (this.isConnected) clearTimeout(this.#timer);
    else if (this.pc.connectionState === "failed") this.#listener.broken("the connection is lost");
  }
}
