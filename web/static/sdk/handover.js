/**
 * While a room changes to another server: what was received before stays until the new delivers, so that nothing freezes.
 * @module
 */

/** @typedef {import("./types.js").Publication} Publication */

/** How long the old is kept for a new one that does not come, and sent to those who have not changed over yet. */
export const OVERLAP_MS = 5_000;

export class Handover {
  /** @param {(publicationId: string) => void} drop Takes what was received before away. */
  constructor(drop) {
    this.drop = drop;
    /** @type {Map<string, string>} "user/source" → the publication of before. */
    this.kept = new Map();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
  }

  /** @param {Iterable<Publication>} publications What is received now, and will come anew. */
  begin(publications) {
    this.end();
    for (const { id, userId, source } of publications) this.kept.set(`${userId}/${source}`, id);
    this.timer = setTimeout(() => this.end(), OVERLAP_MS);
  }

  /** Whatever has not come anew by now does not come. */
  end() {
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
