/**
 * While a room changes to another server: what was received before stays until the new delivers, so that nothing freezes.
 * @module
 */

/** @typedef {import("./types.js").Publication} Publication */

/** How long the old is kept for a new one that does not come, and sent to those who have not changed over yet. */
export const OVERLAP_MS = 5_000;

/** After the last new picture, which has to be shown first. */
const SETTLE_MS = 500;

/** Between one participant and the next, and for all of them: the overlap has to be long enough for the last. */
const TURN_MS = 400;
const LAST_TURN_MS = 2_000;

/**
 * When this side begins to send to the new server. A room that comes all at once is too much for it, and every
 * participant has all others to set up again in the same moment; what is sent to the old one does until then.
 * @param {string[]} names Of all participants.
 * @param {string} own
 * @returns {number} Milliseconds from now.
 */
export function turnMs(names, own) {
  const step = Math.min(TURN_MS, LAST_TURN_MS / Math.max(1, names.length - 1));
  return Math.max(0, [...names].sort().indexOf(own)) * step;
}

export class Handover {
  /**
   * @param {(publicationId: string) => void} drop Takes what was received before away.
   * @param {() => void} onDone Nothing that was received before is needed any more.
   */
  constructor(drop, onDone) {
    this.drop = drop;
    this.onDone = onDone;
    /** @type {Map<string, string>} "user/source" → the publication of before. */
    this.kept = new Map();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
  }

  /** @param {Iterable<Publication>} publications What is received now, and will come anew. */
  begin(publications) {
    this.#dropAll();
    for (const { id, userId, source } of publications) this.kept.set(`${userId}/${source}`, id);
    this.timer = setTimeout(() => this.#end(), this.kept.size > 0 ? OVERLAP_MS : SETTLE_MS);
  }

  /** Whatever has not come anew by now does not come. */
  #end() {
    this.#dropAll();
    this.onDone();
  }

  #dropAll() {
    clearTimeout(this.timer);
    const ids = [...this.kept.values()];
    this.kept.clear();
    for (const id of ids) this.drop(id);
  }

  /**
   * @param {string} userId
   * @param {string} source
   * @returns {boolean} Whether something of before is still shown in its place.
   */
  keeps(userId, source) {
    return this.kept.has(`${userId}/${source}`);
  }

  /**
   * The new delivers: the old goes.
   * @param {string} userId
   * @param {string} source
   */
  replace(userId, source) {
    const key = `${userId}/${source}`;
    const id = this.kept.get(key);
    if (id === undefined) return;
    this.kept.delete(key);
    this.drop(id);
    if (this.kept.size > 0) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#end(), SETTLE_MS);
  }

  /** Forgets all without telling anybody. */
  close() {
    clearTimeout(this.timer);
    this.kept.clear();
  }
}

/**
 * @param {MediaStreamTrack} track
 * @returns {Promise<void>} When there is something to hear or to see; never later than the overlap.
 */
export function firstMedia(track) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, OVERLAP_MS);
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    if (track.kind === "video" && "requestVideoFrameCallback" in HTMLVideoElement.prototype) {
      const video = document.createElement("video");
      video.muted = true;
      video.srcObject = new MediaStream([track]);
      video.requestVideoFrameCallback(() => {
        video.srcObject = null;
        done();
      });
      video.play().catch(() => undefined);
    } else if (track.muted) {
      track.addEventListener("unmute", done, { once: true });
    } else done();
  });
}
