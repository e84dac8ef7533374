/**
 * Why sound and picture are as they are, in words and numbers: what the server explains and this browser measures,
 * turned into what the panel says. Values in, values out.
 * @module
 */

import { bitrateWords, layerWords, reasonWords } from "./reception-words.js";

/**
 * @typedef {object} WhySection
 * @property {string} key Stable, for tests and to keep what is folded open.
 * @property {string} title
 * @property {string} sentence The answer in one sentence.
 * @property {[string, string][]} facts Label and value.
 * @property {string[]} changes The newest first.
 */

/** Limiting causes of the estimate. @type {Record<string, string>} */
const CAUSES = {
  start: "nothing has been measured yet",
  growth: "nothing limits it: it is being tried for more",
  overuse: "packets queue up on the way when more is sent",
  draining: "packets that have queued up on the way are being let through first",
  loss: "packets get lost",
  "application-limited": "no more than this is needed just now, so no more has been tried",
  probe: "a trial with more has shown it",
  remb: "your browser reports it",
  "receiver-report": "your browser reports it",
  "round-trip": "answers take too long",
  "no-feedback": "your browser has reported nothing for a while",
  "route-change": "the way through the network has changed",
};

/** @type {Record<string, string>} */
const SOURCES = { camera: "camera", microphone: "microphone", screen: "screen", "screen-audio": "sound of the screen" };

/**
 * @param {string | null | undefined} cause
 * @returns {string} Follows "because"; empty when it is not known.
 */
export function causeWords(cause) {
  return cause ? CAUSES[cause] ?? cause : "";
}

/**
 * @param {object} known
 * @param {any} known.explanation Of the REST call `explain`; null: not there yet.
 * @param {Awaited<ReturnType<import("../plenum-client.js").PlenumClient["stats"]>> | null} known.stats
 * @param {Partial<Record<"publish" | "subscribe", import("../sdk/network-path.js").NetworkPath>>} known.paths
 * @param {(userId: string) => string} known.nameOf
 * @returns {WhySection[]}
 */
export function whySections({ explanation, stats, paths, nameOf }) {
  const sections = [connectionSection(explanation, stats, paths)];
  if (!explanation) return sections;
  sections.push(estimateSection(explanation));
  const pictures = explanation.received.filter((/** @type {any} */ track) => track.kind === "video");
  for (const track of pictures) sections.push(receivedSection(track, stats?.subscribe?.byPublication[track.publication_id], nameOf));
  const sounds = explanation.received.filter((/** @type {any} */ track) => track.kind === "audio");
  if (sounds.length > 0) sections.push(soundSection(sounds));
  for (const track of explanation.sent) if (track.kind === "video") sections.push(sentSection(track, stats?.publish ?? null));
  return sections;
}

/**
 * @param {any} explanation
 * @param {any} stats
 * @param {Partial<Record<"publish" | "subscribe", import("../sdk/network-path.js").NetworkPath>>} paths
 * @returns {WhySection}
 */
function connectionSection(explanation, stats, paths) {
  const path = paths.subscribe ?? paths.publish;
  const failures = (explanation?.connections ?? []).filter((/** @type {any} */ one) => one.failure);
  /** @type {[string, string][]} */
  const facts = [];
  const rtt = stats?.subscribe?.rttMs ?? path?.rttMs ?? null;
  if (rtt !== null) facts.push(["Round trip", ms(rtt)]);
  if (path) facts.push(["Addresses", `${path.local} → ${path.remote}`]);
  for (const one of failures) facts.push([one.role === "publish" ? "Sending failed" : "Receiving failed", one.failure]);
  const sentence = path ? `${path.words}.` : "There is no way to the server yet.";
  return { key: "connection", title: "Your connection", sentence, facts, changes: [] };
}

/**
 * @param {any} explanation
 * @returns {WhySection}
 */
function estimateSection({ estimate, mode }) {
  const section = { key: "estimate", title: "What it carries towards you", sentence: "", facts: /** @type {[string, string][]} */ ([]), changes: /** @type {string[]} */ ([]) };
  if (!estimate) return { ...section, sentence: "Nothing has been measured yet: nobody sends anything to you." };
  const because = causeWords(estimate.reason);
  section.sentence = `About ${bitrateWords(estimate.estimate_bps)}${because ? `: ${because}` : ""}.`;
  if (mode === "data-saver") section.sentence += " You have chosen to save data.";
  if (mode === "audio-only") section.sentence += " You have chosen sound only.";
  section.facts.push(
    ["Wanted", bitrateWords(estimate.wanted_bps)],
    ["Chosen", bitrateWords(estimate.allocated_bps)],
    ["Sent", bitrateWords(estimate.sent_bps)],
    ["Arrives", bitrateWords(estimate.acknowledged_bps)],
    ["Lost", percent(estimate.loss)],
    ["Round trip", ms(estimate.rtt_ms)],
    ["Waits on the way", ms(estimate.queue_ms)],
    ["Waits at the server", ms(estimate.pacer_queue_ms)],
  );
  section.changes = latest(estimate.changes).map(
    (change) => `${clock(change.at)} from ${bitrateWords(change.from_bps)} to ${bitrateWords(change.to_bps)}: ${causeWords(change.reason)}`,
  );
  return section;
}

/**
 * @param {any} track
 * @param {import("../sdk/stats.js").TrackStats | undefined} seen What this browser makes of it.
 * @param {(userId: string) => string} nameOf
 * @returns {WhySection}
 */
function receivedSection(track, seen, nameOf) {
  /** @type {[string, string][]} */
  const facts = [
    ["Sent to you", layerWords(track.current)],
    ["To be sent", layerWords(track.target)],
    ["Best that fits", layerWords(track.preferred)],
    ["Shown at", track.wish.width > 0 ? `${track.wish.width}×${track.wish.height} pixels` : "any size"],
    ["Lost", percent(track.loss)],
  ];
  if (seen && !track.paused) {
    facts.push(["You see", `${seen.width ?? 0}×${seen.height ?? 0}, ${Math.round(seen.framesPerSecond ?? 0)} frames/s, ${bitrateWords(seen.bitrateBps)}`]);
    if (seen.freezeCount) facts.push(["Froze", `${seen.freezeCount} times, ${((seen.freezeMs ?? 0) / 1000).toFixed(1)} s in all`]);
  }
  return {
    key: `received-${track.publication_id}`,
    title: `${nameOf(track.user_id)}: ${SOURCES[track.source] ?? track.source}`,
    sentence: receivedSentence(track),
    facts,
    changes: latest(track.changes).map((change) => `${clock(change.at)} from ${change.from_layer} to ${change.to_layer}${changeWords(change.reason)}`),
  };
}

/**
 * A change may be one for the better: what limits the layer is no reason for it then.
 * @param {string | null} reason
 */
function changeWords(reason) {
  if (reason === "bandwidth") return ", as much as your connection carries";
  const because = reasonWords(reason);
  return because ? `, because ${because}` : "";
}

/** @param {any} track */
function receivedSentence({ paused, reason, current, target, preferred, wish }) {
  const because = reasonWords(reason);
  if (paused) return `Paused${because ? `, because ${because}` : ""}.`;
  const less = preferred && target && (preferred.rid !== target.rid || preferred.spatial !== target.spatial || preferred.temporal !== target.temporal);
  if (less) return `Less than fits is sent${because ? `, because ${because}` : ""}.`;
  if (!current && target) return "It is about to arrive.";
  if (wish.quality !== "auto") return `As you have chosen: ${wish.quality} quality.`;
  return "As good as it fits.";
}

/**
 * @param {any[]} sounds
 * @returns {WhySection}
 */
function soundSection(sounds) {
  const paused = sounds.filter((track) => track.paused);
  const worst = Math.max(...sounds.map((track) => track.loss));
  const sentence = paused.length === 0 ? `All ${sounds.length} arrive.` : `${sounds.length - paused.length} of ${sounds.length} arrive.`;
  /** @type {[string, string][]} */
  const facts = [["Lost, at worst", percent(worst)]];
  for (const reason of new Set(paused.map((track) => track.reason))) facts.push(["Not sent", reasonWords(reason) || "for no reason known"]);
  return { key: "sounds", title: "Voices", sentence, facts, changes: [] };
}

/**
 * @param {any} track
 * @param {import("../sdk/stats.js").TransportStats | null} stats
 * @returns {WhySection}
 */
function sentSection(track, stats) {
  const stopped = track.layers.filter((/** @type {any} */ layer) => !layer.wanted);
  const own = stats?.tracks.filter(({ kind }) => kind === "video") ?? [];
  const limited = own.find(({ limitedBy }) => limitedBy && limitedBy !== "none")?.limitedBy;
  /** @type {[string, string][]} */
  const facts = track.layers.map((/** @type {any} */ layer) => [
    layer.rid ? `Encoding ${layer.rid}` : "Encoding",
    layer.active ? layerWords(layer) : layer.wanted ? "wanted, does not arrive" : "stopped: nobody wants it",
  ]);
  if (stats?.availableOutgoingBps) facts.push(["Your uplink carries", bitrateWords(stats.availableOutgoingBps)]);
  let sentence = stopped.length === track.layers.length && track.layers.length > 0 ? "Nobody watches it: it is not sent." : "It is sent as others want it.";
  if (limited === "cpu") sentence = "Smaller than it could be: this device is too busy.";
  if (limited === "bandwidth") sentence = "Smaller than it could be: your uplink does not carry more.";
  return { key: `sent-${track.publication_id}`, title: `You send: ${SOURCES[track.source] ?? track.source}`, sentence, facts, changes: [] };
}

/** @param {any[]} changes */
function latest(changes) {
  return changes.slice(-5).reverse();
}

/** @param {string} iso */
function clock(iso) {
  return new Date(iso).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

/** @param {number | null | undefined} value */
function ms(value) {
  return value === null || value === undefined ? "not known yet" : `${Math.round(value)} ms`;
}

/** @param {number | null | undefined} share */
function percent(share) {
  return share === null || share === undefined ? "not known yet" : `${(share * 100).toFixed(1)} %`;
}
