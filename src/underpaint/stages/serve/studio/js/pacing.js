/** Work that many events ask for and that is done once for all of them, no more often than a pace allows. */

/**
 * Make such work.
 *
 * @param {() => Promise<any> | void} work What is done; what it throws is its own affair.
 * @param {number} ms Milliseconds from the first request to the work, which the others in between have part in.
 * @returns {{ask: () => void, close: () => void}} `ask` lets it be done soon; `close` ends that.
 */
export function paced(work, ms) {
  let timer = 0;
  let isBusy = false;
  let isAsked = false;
  let isClosed = false;

  async function run() {
    timer = 0;
    isBusy = true;
    try {
      await work();
    } finally {
      isBusy = false;
      if (isAsked) ask();
    }
  }

  /** While it is at work, one more turn is enough for all who ask. */
  function ask() {
    isAsked = isBusy;
    if (!isBusy && !isClosed) timer ||= window.setTimeout(run, ms);
  }

  return { ask, close: () => ((isClosed = true), clearTimeout(timer)) };
}
