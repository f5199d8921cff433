/** Everybody as tiles, as large as they fit, and the permission to play their sound. */

import { largestTiles } from "./layout.js";
import { Tile } from "./tile.js";

const TICK = 1_000; // milliseconds

export class Stage {
  #tiles = new Map();
  #own = null;
  #timer = null;
  #soundRefused = false;
  #sizes;

  /** `onSoundRefused(isRefused)` is told when the browser wants a click before it plays sound, and when it got it. */
  constructor(element, { empty, onSoundRefused }) {
    this.element = element;
    this.empty = empty;
    this.onSoundRefused = onSoundRefused;
    this.#sizes = new ResizeObserver(() => this.#arrange());
    this.#sizes.observe(element);
  }

  /** Somebody is there. */
  add({ user, unreachable, stream }, { onMenu }) {
    const tile = new Tile(user, { onMenu });
    this.#tiles.set(user, tile);
    if (unreachable) tile.setUnreachable(performance.now());
    this.element.insertBefore(tile.element, this.#own?.element ?? null);
    if (stream.getTracks().length) this.attach(user, stream);
    this.#arrange();
  }

  /** The tile of somebody, or undefined. */
  tile(user) {
    return this.#tiles.get(user);
  }

  /** Somebody's tracks are these. */
  attach(user, stream) {
    const tile = this.#tiles.get(user);
    tile?.attach(stream);
    if (tile) this.#play(tile.audio);
  }

  /** Somebody is gone. */
  remove(user) {
    this.#tiles.get(user)?.remove();
    this.#tiles.delete(user);
    this.#arrange();
  }

  /** Our own tile: shown with these tracks, or taken away (null). */
  showOwn(user, stream) {
    this.#own?.remove();
    this.#own = stream && new Tile(user, { own: true });
    this.#own?.attach(stream);
    if (this.#own) this.element.append(this.#own.element);
    this.#arrange();
  }

  /** Our own tile, or null. */
  get own() {
    return this.#own;
  }

  /** The person has clicked: play what the browser has refused to. */
  allowSound() {
    if (!this.#soundRefused) return;
    this.#soundRefused = false;
    this.onSoundRefused(false);
    for (const tile of this.#tiles.values()) this.#play(tile.audio);
  }

  /** Begin with an empty stage. */
  open() {
    this.#timer ??= setInterval(() => this.#tick(), TICK);
    this.#arrange();
  }

  /** Take everybody off the stage. */
  close() {
    clearInterval(this.#timer);
    this.#timer = null;
    this.showOwn(null, null);
    this.removeOthers();
  }

  /** Take everybody else off the stage. */
  removeOthers() {
    for (const user of [...this.#tiles.keys()]) this.remove(user);
  }

  /** Pictures are muted and need no permission: a refusal keeps only this sound back, until `allowSound`. */
  async #play(audio) {
    try {
      await audio.play();
    } catch (error) {
      if (error.name === "NotAllowedError") this.#refuseSound();
      // AbortError: other tracks came before these began to play.
      else if (error.name !== "AbortError") throw error;
    }
  }

  #refuseSound() {
    this.#soundRefused = true;
    this.onSoundRefused(true);
  }

  #tick() {
    for (const tile of this.#tiles.values()) tile.tick();
    this.#own?.tick();
  }

  #arrange() {
    const count = this.#tiles.size + (this.#own ? 1 : 0);
    this.empty.hidden = count > 0;
    const style = getComputedStyle(this.element);
    const size = largestTiles(count, {
      width: this.element.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight),
      height: this.element.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom),
      gap: parseFloat(style.columnGap),
    });
    this.element.style.setProperty("--tile-width", `${size.width}px`);
    this.element.style.setProperty("--tile-height", `${size.height}px`);
  }
}
