/**
 * Reads HLS playlists (RFC 8216bis), as far as this server writes them.
 * @module
 */

/**
 * @typedef {object} Variant
 * @property {string} uri
 * @property {number} bandwidth
 * @property {number} height
 * @property {string} codecs
 */

/**
 * @typedef {object} Part
 * @property {string} uri
 * @property {number} duration
 * @property {boolean} independent
 */

/**
 * @typedef {object} Segment
 * @property {number} msn
 * @property {string | null} uri Null as long as it grows.
 * @property {number} duration Of its parts, as long as it grows.
 * @property {number} at Milliseconds since 1970 of its first picture.
 * @property {string} map Its initialisation segment.
 * @property {Part[]} parts
 */

/**
 * @typedef {object} MediaPlaylist
 * @property {Segment[]} segments
 * @property {number} targetDuration
 * @property {number} partHoldBack
 * @property {boolean} canBlock
 * @property {boolean} ended
 */

/**
 * @param {string} text
 * @returns {Variant[]} In the order of the playlist.
 */
export function parseMultivariant(text) {
  const lines = text.split("\n");
  const found = [];
  for (const [index, line] of lines.entries()) {
    if (!line.startsWith("#EXT-X-STREAM-INF:")) continue;
    const values = attributes(line);
    found.push({
      uri: lines[index + 1] ?? "",
      bandwidth: Number(values.BANDWIDTH),
      height: Number((values.RESOLUTION ?? "").split("x")[1] ?? 0),
      codecs: values.CODECS ?? "",
    });
  }
  return found;
}

/**
 * @param {string} text
 * @returns {MediaPlaylist}
 */
export function parseMedia(text) {
  /** @type {MediaPlaylist} */
  const playlist = { segments: [], targetDuration: 2, partHoldBack: 0, canBlock: false, ended: false };
  let msn = 0;
  let map = "";
  let at = 0;
  let duration = 0;
  /** @type {Part[]} */
  let parts = [];
  for (const line of text.split("\n")) {
    const [tag, value] = split(line);
    switch (tag) {
      case "#EXT-X-MEDIA-SEQUENCE":
        msn = Number(value);
        break;
      case "#EXT-X-TARGETDURATION":
        playlist.targetDuration = Number(value);
        break;
      case "#EXT-X-SERVER-CONTROL": {
        const control = attributes(line);
        playlist.canBlock = control["CAN-BLOCK-RELOAD"] === "YES";
        playlist.partHoldBack = Number(control["PART-HOLD-BACK"] ?? 0);
        break;
      }
      case "#EXT-X-MAP":
        map = attributes(line).URI ?? "";
        break;
      case "#EXT-X-PROGRAM-DATE-TIME":
        at = Date.parse(value);
        break;
      case "#EXT-X-PART": {
        const part = attributes(line);
        parts.push({ uri: part.URI ?? "", duration: Number(part.DURATION), independent: part.INDEPENDENT === "YES" });
        break;
      }
      case "#EXTINF":
        duration = Number.parseFloat(value);
        break;
      case "#EXT-X-ENDLIST":
        playlist.ended = true;
        break;
      default:
        if (line && !line.startsWith("#")) {
          playlist.segments.push({ msn, uri: line, duration, at, map, parts });
          msn += 1;
          parts = [];
        }
    }
  }
  if (parts.length > 0) {
    playlist.segments.push({ msn, uri: null, duration: parts.reduce((sum, part) => sum + part.duration, 0), at, map, parts });
  }
  return playlist;
}

/**
 * @param {string} line
 * @returns {[string, string]}
 */
function split(line) {
  const colon = line.indexOf(":");
  return line.startsWith("#") && colon > 0 ? [line.slice(0, colon), line.slice(colon + 1).trim()] : [line.trim(), ""];
}

/**
 * @param {string} line
 * @returns {Record<string, string>}
 */
function attributes(line) {
  /** @type {Record<string, string>} */
  const found = {};
  for (const match of line.matchAll(/([A-Z0-9-]+)=("[^"]*"|[^,]*)/g)) found[match[1]] = match[2].replace(/^"|"$/g, "");
  return found;
}
