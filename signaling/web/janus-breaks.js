/** How those who are in a VideoRoom wait: for a change, or for a while before what failed is tried again. */

import { Changes } from "./waits.js";

const FOREVER = 2 ** 31 - 1; // milliseconds: the longest that a timer takes; who waits looks again after it

/** Resolves after so many milliseconds. */
export function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Breaks from `shortest` to `longest` milliseconds, doubling; after something that has held for `longest`, anew. */
export class Breaks {
  #shortest;
  #longest;
  #next;

  constructor(shortest, longest) {
    [this.#shortest, this.#longest, this.#next] = [shortest, longest, shortest];
  }

  /** How long to wait after what was tried has held for so many milliseconds. */
  after(heldFor) {
    if (heldFor >= this.#longest) this.#next = this.#shortest;
    const wait = this.#next;
    this.#next = Math.min(2 * wait, this.#longest);
    return wait;
  }
}

/** Wakes one who works in a loop, until that is over. */
export class Wake {
  #changes = new Changes();
  #isWoken = false;
  #over = null; // why

  /** Something may be another: look. */
  wake() {
    this.#isWoken = true;
    this.#changes.tell();
  }

  /** It is over: every wait throws this from now on. The first failure counts. */
  end(failure) {
    this.#over ??= failure;
    this.#changes.tell();
  }

  /** Throws if it is over. */
  check() {
    if (this.#over) throw this.#over;
  }

  /** Wait for a `wake()` since the last wait, or for so many milliseconds. Throws when it is over. */
  async wait(milliseconds = FOREVER) {
    await this.#until(() => this.#isWoken, milliseconds);
    this.#isWoken = false;
  }

  /** Let so many milliseconds pass. Throws when it is over. */
  async pause(milliseconds) {
    await this.#until(() => false, milliseconds);
  }

  async #until(condition, milliseconds) {
    const look = () => {
      this.check();
      return condition();
    };
    await this.#changes.until(look, Math.min(Math.max(milliseconds, 0), FOREVER));
  }
}
