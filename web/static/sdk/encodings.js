/**
 * What is sent of a track: how many encodings, how large, how fast. Values in, values out.
 * @module
 */

/** @typedef {import("./types.js").Source} Source */
/** @typedef {import("./types.js").PublishOptions} PublishOptions */
/** @typedef {RTCRtpEncodingParameters & { scalabilityMode?: string }} Encoding */

/** Bits a second that make sense for each source. @type {Record<Source, number>} */
const MAX_BITRATE_BPS = { microphone: 48_000, camera: 1_700_000, screen: 2_500_000, "screen-audio": 128_000 };

/** Of a camera: the same picture, each half as wide as the next. */
const CAMERA_RIDS = ["q", "h", "f"];
/** Shares of the best encoding's bits a second, the best last. */
const CAMERA_SHARES = [0.08, 0.27, 1];
/** Pixels from which on three and two sizes make sense; Chromium would leave away the best of more. */
const THREE_SIZES_PX = 960 * 540;
const TWO_SIZES_PX = 480 * 270;
/** Of a screen: each as sharp as the screen, for text must stay readable; what is saved is motion. */
const SCREEN = [
  { rid: "h", scaleResolutionDownBy: 1, share: 0.24, maxFramerate: 5 },
  { rid: "f", scaleResolutionDownBy: 1, share: 1 },
];

/** Three frame rates in each encoding; VP9 and AV1 send the smallest encoding alone unless it is said of each. */
const TEMPORAL = "L1T3";
/** Three sizes and three frame rates in one stream, which depend on each other at key frames only. */
export const SCALABLE = "L3T3_KEY";

/**
 * @param {Source} source
 * @param {PublishOptions} options
 * @param {number} [pixels] Of the track; encodings that are too many for so few are there, and not active.
 * @returns {Encoding[]}
 */
export function encodingsFor(source, options, pixels = Infinity) {
  if (options.encodings) return options.encodings;
  const maxBitrate = options.maxBitrate ?? MAX_BITRATE_BPS[source];
  const { maxFramerate } = options;
  const ladder = source === "camera" ? cameraLadder(pixels) : source === "screen" ? SCREEN : null;
  if (ladder && options.codec && isScalable(options.codec)) return [{ maxBitrate, ...only({ maxFramerate }), scalabilityMode: SCALABLE }];
  if (!ladder || !options.simulcast) {
    return [{ maxBitrate, ...only({ maxFramerate }), ...(source === "microphone" ? { priority: "high", networkPriority: "high" } : {}) }];
  }
  return ladder.map(({ share, ...step }) => ({
    ...only({ maxFramerate }),
    ...step,
    maxBitrate: Math.round(maxBitrate * share),
    scalabilityMode: TEMPORAL,
  }));
}

/** @param {number} pixels */
function cameraLadder(pixels) {
  const count = pixels >= THREE_SIZES_PX ? 3 : pixels >= TWO_SIZES_PX ? 2 : 1;
  return CAMERA_RIDS.map((rid, index) => {
    const fromTop = Math.max(0, count - 1 - index);
    const step = { rid, scaleResolutionDownBy: 2 ** fromTop, share: CAMERA_SHARES[CAMERA_SHARES.length - 1 - fromTop] };
    return index < count ? step : { ...step, active: false };
  });
}

/**
 * @param {string} codec Such as `VP9` or `video/AV1`.
 * @returns {boolean} Whether browsers make layers of it that one can drop (SVC).
 */
export function isScalable(codec) {
  return /^(video\/)?(vp9|av1)$/i.test(codec);
}

/**
 * Three encodings were offered, and the server has chosen a codec that has all three sizes in one stream: then one
 * encoding is enough, and costs less. Changes the encodings in place.
 * @param {Encoding[]} encodings
 * @param {number} maxBitrate Of all layers together.
 */
export function makeScalable(encodings, maxBitrate) {
  encodings.forEach((encoding, index) => {
    encoding.active = index === 0;
    if (index > 0) return;
    encoding.scaleResolutionDownBy = 1;
    encoding.maxBitrate = maxBitrate;
    encoding.scalabilityMode = SCALABLE;
    delete encoding.maxFramerate;
  });
}

/**
 * What the server says of the encodings that anybody wants, carried over to what this side sends.
 * @param {Encoding[]} encodings Changed in place.
 * @param {Record<string, boolean>} layers RID → wanted; a track without RIDs has one, under an empty name.
 * @param {boolean} scalable All layers are in the first encoding.
 * @param {Encoding[]} [possible] Those of them that are not active make no sense for this track, whoever wants them.
 * @returns {boolean} Whether anything is different now.
 */
export function obeyLayers(encodings, layers, scalable, possible = []) {
  const any = Object.keys(layers).length === 0 || Object.values(layers).some(Boolean);
  let changed = false;
  encodings.forEach((encoding, index) => {
    const makesSense = possible[index]?.active ?? true;
    const wanted = scalable ? index === 0 && any : makesSense && (layers[encoding.rid ?? ""] ?? true);
    if ((encoding.active ?? true) === wanted) return;
    encoding.active = wanted;
    changed = true;
  });
  return changed;
}

/**
 * Leaves the smallest of what would be sent. Changes the encodings in place.
 * @param {Encoding[]} encodings
 */
export function keepSmallest(encodings) {
  const active = encodings.filter((encoding) => encoding.active ?? true);
  const least = Math.max(...active.map(({ scaleResolutionDownBy }) => scaleResolutionDownBy ?? 1));
  const smallest = active.find(({ scaleResolutionDownBy }) => (scaleResolutionDownBy ?? 1) === least);
  for (const encoding of active) if (encoding !== smallest) encoding.active = false;
}

/**
 * @template {object} T
 * @param {T} values
 * @returns {Partial<T>} Without what is undefined.
 */
function only(values) {
  return /** @type {Partial<T>} */ (Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)));
}
