/** Waiting that ends in time. */

/** Resolves as the promise does, or after so many milliseconds with nothing. */
export async function within(milliseconds, promise) {
  let timer;
  const end = new Promise((resolve) => (timer = setTimeout(resolve, milliseconds)));
  try {
    return await Promise.race([promise, end]);
  } finally {
    clearTimeout(timer);
  }
}

/** Conditions that come true when something has changed; whoever changes it says `tell()`. */
export class Changes {
  #looks = new Set();

  /** Wait for a condition; resolves to whether it came true in time. Rejects if the condition throws. */
  async until(condition, milliseconds) {
    if (condition()) return true;
    const { promise, resolve, reject } = Promise.withResolvers();
    const look = () => {
      try {
        if (condition()) resolve(true);
      } catch (error) {
        reject(error);
      }
    };
    this.#looks.add(look);
    try {
      return (await within(milliseconds, promise)) ?? false;
    } finally {
      this.#looks.delete(look);
    }
  }

  /** Something has changed. */
  tell() {
    for (const look of [...this.#looks]) look();
  }
}
