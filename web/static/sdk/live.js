/**
 * Live streams of the room: which there are, and what those who may can do with them.
 * @module
 */

/** @typedef {import("./types.js").Link} Link */
/** @typedef {import("./messages.d.ts").LiveStreamInfo} LiveStreamInfo */
/** @typedef {import("./messages.d.ts").LivePicture} LivePicture */

/** @typedef {{ type: "live", detail: { stream: LiveStreamInfo | null } }} LiveEvent */

const ENDED = new Set(["stopped", "failed"]);

/** The live streams under way, as the server tells of them. No network, no DOM. */
export class LiveModel {
  constructor() {
    /** @type {Map<string, LiveStreamInfo>} */
    this.streams = new Map();
  }

  /**
   * @param {LiveStreamInfo[]} streams As in `room-state`.
   * @returns {LiveEvent[]}
   */
  reset(streams) {
    const before = this.streams.size;
    this.streams = new Map(streams.map((stream) => [stream.stream_id, stream]));
    return before + this.streams.size > 0 ? [{ type: "live", detail: { stream: null } }] : [];
  }

  /**
   * @param {string} type
   * @param {any} payload
   * @returns {LiveEvent[]}
   */
  apply(type, payload) {
    const known = this.streams.get(payload.stream_id);
    switch (type) {
      case "live-stream-start":
        this.streams.set(payload.stream_id, { ...payload });
        break;
      case "live-stream-stop":
        this.streams.delete(payload.stream_id);
        break;
      case "live-stream-health": {
        const { stream_id: _, viewer_count, ...health } = payload;
        if (!known) return [];
        this.streams.set(payload.stream_id, { ...known, viewer_count, health });
        break;
      }
      case "live-stream-picture":
        for (const [id, stream] of this.streams) this.streams.set(id, { ...stream, picture: payload.picture });
        return [{ type: "live", detail: { stream: null } }];
      default:
        return [];
    }
    return [{ type: "live", detail: { stream: ENDED.has(payload.status) ? payload : (this.streams.get(payload.stream_id) ?? payload) } }];
  }
}

/** What who may record can do. */
export class LiveControl {
  /** @param {Link} link */
  constructor(link) {
    this.link = link;
  }

  /**
   * @param {object} wish
   * @param {"youtube" | "twitch" | "custom"} [wish.platform]
   * @param {string} [wish.url] Of the RTMP server; empty: the platform's own, or none.
   * @param {string} [wish.key] Never told again.
   * @param {string} [wish.channel] Id of the broadcast's video (YouTube) or login name (Twitch), to count viewers there.
   * @param {"1080p" | "720p" | "480p"} [wish.quality]
   * @param {{ public?: boolean, dvr_s?: number } | null} [wish.hls] Lets viewers watch on this server.
   * @param {Partial<LivePicture> | null} [wish.picture] Null: as of the streams that run; what it does not name stays.
   * @returns {Promise<LiveStreamInfo>}
   */
  async start({ platform = "custom", url = "", key = "", channel = "", quality = "720p", hls = null, picture = null }) {
    const wish = { platform, stream_url: url, stream_key: key, channel, quality, hls, picture };
    return (await this.link.request("live-stream-start", wish)).payload;
  }

  /** @param {string} streamId */
  async stop(streamId) {
    await this.link.request("live-stream-stop", { stream_id: streamId });
  }

  /** @param {Partial<LivePicture>} picture */
  async arrange(picture) {
    await this.link.request("live-stream-picture", { picture });
  }
}
