/**
 * Plays this server's low-latency HLS by Media Source Extensions: parts as they are made, close to the live edge.
 * Browsers without them play the address by themselves. A player plays once: after an error another one is needed.
 * @module
 */

import { parseMedia, parseMultivariant } from "./playlist.js";

/** @typedef {import("./playlist.js").Variant} Variant */
/** @typedef {import("./playlist.js").Segment} Segment */
/** @typedef {import("./playlist.js").MediaPlaylist} MediaPlaylist */

/**
 * @typedef {object} Piece What is fetched next.
 * @property {string} uri
 * @property {string} map
 * @property {number} at Milliseconds since 1970 of its first picture.
 * @property {number} duration
 * @property {number} msn
 * @property {number} part Which part of its segment comes after it; 0: the next segment.
 */

const KEPT_BEHIND_S = 30;
const AHEAD_S = 30;
const FALLEN_BEHIND_S = 6;
const MOST_RETRIES = 6;
const RETRY_MS = [200, 500, 1_000, 2_000, 4_000];
const GAP_CHECK_MS = 500;
const VIDEO_TIMESCALE = 90_000;

export class LivePlayer extends EventTarget {
  /**
   * @param {HTMLVideoElement} video
   * @param {string} url The multivariant playlist.
   * @param {{ clockAheadMs?: number, from?: number | null }} [options] How far the server's clock is ahead of this one;
   *   where to begin in a stream that has ended, in milliseconds since 1970.
   */
  constructor(video, url, { clockAheadMs = 0, from = null } = {}) {
    super();
    this.video = video;
    this.url = new URL(url, location.href).href;
    this.clockAheadMs = clockAheadMs;
    this.from = from;
    this.stalls = 0;
    this.native = false;
    /** Whether everything of an ended stream is there. */
    this.ended = false;
    /** @type {Variant[]} */
    this.variants = [];
    this.level = 0;
    this.#stop = new AbortController();
  }

  #stop;
  /** @type {SourceBuffer | null} */
  #buffer = null;
  /** @type {MediaSource | null} */
  #source = null;
  /** @type {MediaPlaylist | null} */
  #playlist = null;
  #playlistUrl = "";
  /** @type {{ msn: number, part: number } | null} */
  #next = null;
  /** Milliseconds since 1970 that are time 0 of the element. */
  #origin = 0;
  #map = "";
  #started = false;
  #slow = 0;
  /** The quality that comes with the next segment. */
  #wanted = 0;
  #goodSince = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #watch;

  /** Whether the stream is made while it is watched. */
  get live() {
    return this.#started && this.#playlist?.ended === false;
  }

  /** Seconds from the moment a picture was made until it is shown here; null: not known, or nothing is made any more. */
  get latency() {
    return this.live ? (Date.now() + this.clockAheadMs - this.#origin) / 1_000 - this.video.currentTime : null;
  }

  /** What is shown, in milliseconds since 1970; null: nothing yet. */
  get shownAt() {
    return this.#started ? this.#origin + this.video.currentTime * 1_000 : null;
  }

  /** Seconds of media that are there ahead of the picture. */
  get ahead() {
    const { buffered, currentTime } = this.video;
    for (let index = 0; index < buffered.length; index += 1) {
      if (buffered.start(index) <= currentTime + 0.1 && buffered.end(index) > currentTime) return buffered.end(index) - currentTime;
    }
    return 0;
  }

  /** The address of the session, for what is beside the playlists. */
  get sessionUrl() {
    return this.#playlistUrl ? new URL(".", this.#playlistUrl).href : "";
  }

  /** Play until the stream has ended or something fails; raises PlayerError for what the server refuses, or what breaks. */
  async start() {
    if (!("MediaSource" in window)) {
      this.native = true;
      this.video.src = this.url;
      return;
    }
    const { signal } = this.#stop;
    const broken = new Promise((_, reject) => {
      this.video.addEventListener("error", () => reject(new PlayerError(0, this.video.error?.message)), { signal });
      this.addEventListener("broken", () => reject(new PlayerError(0, "the browser cannot play what came")), { signal });
    });
    try {
      await Promise.race([this.#begun(), broken]);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async #begun() {
    const { signal } = this.#stop;
    this.variants = parseMultivariant(await this.#text(this.url));
    if (this.variants.length === 0) throw new Error("the playlist names nothing to play");
    this.level = this.#wanted = this.variants.length > 2 ? 1 : 0;
    await this.#attach();
    this.video.addEventListener("seeking", () => this.#seek(), { signal });
    this.video.addEventListener("waiting", () => this.#waits(), { signal });
    this.#watch = setInterval(() => this.#overGaps(), GAP_CHECK_MS);
    await this.#loadPlaylist(null);
    this.#begin();
    await this.#run();
  }

  close() {
    this.#stop.abort();
    clearInterval(this.#watch);
  }

  /** To the live edge. */
  goLive() {
    const edge = this.#edge();
    if (edge !== null) this.video.currentTime = edge;
  }

  // -- what is played ---------------------------------------------------------------------------------------------

  async #attach() {
    const source = (this.#source = new MediaSource());
    this.video.src = URL.createObjectURL(source);
    await new Promise((resolve) => source.addEventListener("sourceopen", resolve, { once: true }));
    this.#buffer = source.addSourceBuffer(`video/mp4; codecs="${this.variants[this.level].codecs}"`);
    this.#buffer.addEventListener("error", () => this.dispatchEvent(new Event("broken")));
  }

  /** Choose where to begin: close to the edge of a live stream, at the start of one that has ended. */
  #begin() {
    const playlist = /** @type {MediaPlaylist} */ (this.#playlist);
    const [first] = playlist.segments;
    this.#origin ||= first.at;
    if (playlist.ended) {
      const { from } = this;
      const segment = from === null ? first : (playlist.segments.findLast(({ at }) => at <= from) ?? first);
      this.#next = { msn: segment.msn, part: 0 };
      return;
    }
    let left = playlist.partHoldBack || 3 * playlist.targetDuration;
    for (const segment of playlist.segments.toReversed()) {
      for (let index = segment.parts.length - 1; index >= 0; index -= 1) {
        left -= segment.parts[index].duration;
        if (left <= 0 && segment.parts[index].independent) {
          this.#next = { msn: segment.msn, part: index };
          return;
        }
      }
      if (segment.parts.length === 0) left -= segment.duration;
      if (left <= 0) {
        this.#next = { msn: segment.msn, part: 0 };
        return;
      }
    }
    this.#next = { msn: first.msn, part: 0 };
  }

  async #run() {
    while (!this.#stop.signal.aborted) {
      if (this.ahead > AHEAD_S) {
        await pause(500);
        continue;
      }
      const piece = this.#piece();
      if (piece && this.#wanted !== this.level && this.#next?.part === 0) {
        await this.#switch();
      } else if (piece) {
        await this.#play(piece);
      } else if (/** @type {MediaPlaylist} */ (this.#playlist).ended) {
        await this.#finish();
        return;
      } else {
        await this.#loadPlaylist(this.#next);
        this.#keepUp();
      }
    }
  }

  /** @returns {Piece | null} What comes next, if the playlist has it. */
  #piece() {
    const playlist = /** @type {MediaPlaylist} */ (this.#playlist);
    const next = /** @type {{ msn: number, part: number }} */ (this.#next);
    const [first] = playlist.segments;
    if (first && next.msn < first.msn) {
      next.msn = first.msn; // it has left the window
      next.part = 0;
    }
    const segment = playlist.segments.find(({ msn }) => msn === next.msn);
    if (!segment) return null;
    if (segment.uri !== null && (next.part === 0 || segment.parts.length === 0)) {
      if (segment.parts.length === 0 || playlist.segments.at(-1) !== segment) {
        return { uri: segment.uri, map: segment.map, at: segment.at, duration: segment.duration, msn: segment.msn + 1, part: 0 };
      }
    }
    const part = segment.parts[next.part];
    if (!part) {
      if (segment.uri === null) return null;
      next.msn += 1;
      next.part = 0;
      return this.#piece();
    }
    const before = segment.parts.slice(0, next.part).reduce((sum, { duration }) => sum + duration, 0);
    const isLast = segment.uri !== null && next.part + 1 >= segment.parts.length;
    return {
      uri: part.uri,
      map: segment.map,
      at: segment.at + before * 1_000,
      duration: part.duration,
      msn: isLast ? segment.msn + 1 : segment.msn,
      part: isLast ? 0 : next.part + 1,
    };
  }

  /** @param {Piece} piece */
  async #play(piece) {
    const level = this.level;
    const began = performance.now();
    const data = await this.#bytes(piece.uri);
    if (data === null && this.#playlist?.ended) {
      this.#next = { msn: piece.msn, part: piece.part }; // lost for good
      return;
    }
    if (data === null) {
      // It is gone: look anew where the stream is.
      await this.#loadPlaylist(null);
      this.#begin();
      return;
    }
    this.#judge(piece.duration, (performance.now() - began) / 1_000);
    const map = `${level} ${piece.map}`;
    if (map !== this.#map) {
      const init = await this.#bytes(piece.map);
      if (init === null) return;
      await this.#append(init);
      // A new worker may count from another beginning: its first picture belongs where the playlist says.
      const decodeTime = firstDecodeTime(data);
      const buffer = /** @type {SourceBuffer} */ (this.#buffer);
      if (decodeTime !== null) buffer.timestampOffset = (piece.at - this.#origin) / 1_000 - decodeTime;
      this.#map = map;
    }
    await this.#append(data);
    this.#next = { msn: piece.msn, part: piece.part };
    this.#enter();
  }

  /** Begin to show where viewers should be; what comes before it, from the key frame on, is only decoded. */
  #enter() {
    if (this.#started) return;
    const { buffered } = this.video;
    if (buffered.length === 0) return;
    const from = this.from === null ? 0 : (this.from - this.#origin) / 1_000;
    const edge = this.#edge() ?? Math.max(buffered.start(0), Math.min(from, buffered.end(0) - 0.2));
    if (buffered.end(0) < edge + 0.2) return;
    this.#started = true;
    this.video.currentTime = Math.max(buffered.start(0), edge);
    this.video.play().catch(() => this.dispatchEvent(new Event("blocked")));
    this.dispatchEvent(new Event("started"));
  }

  /** @returns {number | null} Where a viewer of a live stream should be, in the element's time. */
  #edge() {
    const playlist = this.#playlist;
    const last = playlist?.segments.at(-1);
    if (!playlist || !last || playlist.ended) return null;
    return (last.at - this.#origin) / 1_000 + last.duration - (playlist.partHoldBack || 3 * playlist.targetDuration);
  }

  /** Stay close to the edge: a little faster when behind, a leap when far behind. */
  #keepUp() {
    const edge = this.#edge();
    const { video } = this;
    if (edge === null || !this.#started || video.paused || video.seeking) return;
    const behind = edge - video.currentTime;
    if (behind > FALLEN_BEHIND_S && this.ahead > FALLEN_BEHIND_S - 1) video.currentTime = edge;
    const wanted = behind > 0.25 && this.ahead > 0.8 ? 1.06 : 1;
    if (video.playbackRate !== wanted) video.playbackRate = wanted;
  }

  #seek() {
    const { video } = this;
    const playlist = this.#playlist;
    if (!playlist || this.ahead > 0) return;
    const wanted = this.#origin + video.currentTime * 1_000;
    const segment = playlist.segments.findLast(({ at }) => at <= wanted) ?? playlist.segments[0];
    if (segment) this.#next = { msn: segment.msn, part: 0 };
    if (this.ended) {
      this.ended = false;
      this.#run().catch(() => this.dispatchEvent(new Event("broken")));
    }
  }

  #waits() {
    if (!this.#started || this.video.seeking || this.ended) return;
    this.stalls += 1;
    this.#overGaps();
  }

  /** Over what a worker's death, or a pause of the whole server, has left empty. */
  #overGaps() {
    const { buffered, currentTime, paused, readyState, seeking } = this.video;
    if (!this.#started || paused || seeking || readyState > HTMLMediaElement.HAVE_CURRENT_DATA || this.ahead > 0.1) return;
    for (let index = 0; index < buffered.length; index += 1) {
      if (buffered.start(index) > currentTime) {
        this.video.currentTime = buffered.start(index) + 0.05;
        return;
      }
    }
  }

  async #finish() {
    const source = /** @type {MediaSource} */ (this.#source);
    this.ended = true;
    await this.#settled();
    if (source.readyState === "open") source.endOfStream();
    this.dispatchEvent(new Event("finished"));
  }

  // -- which quality ----------------------------------------------------------------------------------------------

  /**
   * Down when media takes longer to fetch than to play, up after a good while.
   * @param {number} duration
   * @param {number} took
   */
  #judge(duration, took) {
    const now = performance.now();
    this.#slow = took > duration * 0.9 ? this.#slow + 1 : Math.max(0, this.#slow - 0.5);
    if (this.#wanted !== this.level) return;
    if (this.#slow >= 3 && this.level < this.variants.length - 1) {
      this.#slow = 0;
      this.#goodSince = now;
      this.#wanted = this.level + 1;
    } else if (took > duration * 0.4) {
      this.#goodSince = now;
    } else if (now - this.#goodSince > 15_000 && this.level > 0) {
      this.#goodSince = now;
      this.#wanted = this.level - 1;
    }
  }

  /** To the quality that is wanted, between two segments: renditions are cut alike, and the new one begins with its header. */
  async #switch() {
    this.level = this.#wanted;
    await this.#settled();
    this.#buffer?.changeType?.(`video/mp4; codecs="${this.variants[this.level].codecs}"`);
    this.#map = "";
    await this.#loadPlaylist(null);
    this.dispatchEvent(new Event("level"));
  }

  #mediaUrl() {
    return new URL(this.variants[this.level].uri, this.url).href;
  }

  // -- the network ------------------------------------------------------------------------------------------------

  /** @param {{ msn: number, part: number } | null} wanted What the playlist is to have; null: as it is now. */
  async #loadPlaylist(wanted) {
    const url = new URL(this.#mediaUrl());
    this.#playlistUrl = url.href;
    if (wanted && this.#playlist?.canBlock) {
      url.searchParams.set("_HLS_msn", String(wanted.msn));
      url.searchParams.set("_HLS_part", String(wanted.part));
    } else if (wanted) {
      await pause(500);
    }
    this.#playlist = parseMedia(await this.#text(url.href));
    const source = this.#source;
    const last = this.#playlist.segments.at(-1);
    if (source?.readyState === "open" && last && this.#origin) {
      const end = (last.at - this.#origin) / 1_000 + last.duration;
      if (this.#playlist.ended && !this.#buffer?.updating && source.duration < end) source.duration = end;
      if (!this.#playlist.ended) source.setLiveSeekableRange?.(Math.max(0, (this.#playlist.segments[0].at - this.#origin) / 1_000), Math.max(0, end));
    }
  }

  /** @param {string} url */
  async #text(url) {
    const response = await this.#fetch(url);
    if (!response.ok) throw new PlayerError(response.status);
    return await response.text();
  }

  /**
   * @param {string} uri Relative to the media playlist.
   * @returns {Promise<ArrayBuffer | null>} Null: there is no such thing any more.
   */
  async #bytes(uri) {
    const response = await this.#fetch(new URL(uri, this.#mediaUrl()).href);
    return response.ok ? await response.arrayBuffer() : null;
  }

  /** @param {string} url */
  async #fetch(url) {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const response = await fetch(url, { signal: this.#stop.signal, cache: "no-store", referrerPolicy: "no-referrer" });
        if (response.status < 500) return response;
        if (attempt >= MOST_RETRIES) return response;
      } catch (error) {
        if (this.#stop.signal.aborted || attempt >= MOST_RETRIES) throw error;
      }
      await pause(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]);
    }
  }

  // -- the buffer -------------------------------------------------------------------------------------------------

  /** @param {ArrayBuffer} data */
  async #append(data) {
    const buffer = /** @type {SourceBuffer} */ (this.#buffer);
    await this.#settled();
    this.#stop.signal.throwIfAborted();
    const { currentTime, buffered } = this.video;
    if (buffered.length > 0 && buffered.start(0) < currentTime - 2 * KEPT_BEHIND_S) {
      buffer.remove(0, currentTime - KEPT_BEHIND_S);
      await this.#settled();
    }
    buffer.appendBuffer(data);
    await this.#settled();
  }

  async #settled() {
    const buffer = /** @type {SourceBuffer} */ (this.#buffer);
    if (buffer.updating) await new Promise((resolve) => buffer.addEventListener("updateend", resolve, { once: true }));
  }
}

export class PlayerError extends Error {
  /**
   * @param {number} status Of the server's answer; 0: it is not the server's fault.
   * @param {string} [words]
   */
  constructor(status, words) {
    super(words || `the server answered ${status}`);
    this.status = status;
  }
}

/**
 * @param {ArrayBuffer} data A fragment: `moof` and `mdat`.
 * @returns {number | null} The decoding time of its first picture, in seconds.
 */
export function firstDecodeTime(data) {
  const view = new DataView(data);
  /** @type {(from: number, to: number, name: string) => [number, number] | null} */
  const find = (from, to, name) => {
    for (let at = from; at + 8 <= to; ) {
      const size = view.getUint32(at);
      const kind = String.fromCharCode(view.getUint8(at + 4), view.getUint8(at + 5), view.getUint8(at + 6), view.getUint8(at + 7));
      if (kind === name) return [at + 8, at + size];
      if (size < 8) return null;
      at += size;
    }
    return null;
  };
  const moof = find(0, view.byteLength, "moof");
  const traf = moof && find(moof[0], moof[1], "traf");
  const tfdt = traf && find(traf[0], traf[1], "tfdt");
  return tfdt ? Number(view.getBigUint64(tfdt[0] + 4)) / VIDEO_TIMESCALE : null;
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
