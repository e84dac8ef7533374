/**
 * The few figures of getStats() that tell how a call goes, as plain objects, with rates since the last question.
 * @module
 */

import { pathOf } from "./network-path.js";

/**
 * @typedef {object} TrackStats
 * @property {string} mid
 * @property {string} [rid]
 * @property {import("./types.js").Kind} kind
 * @property {string} codec
 * @property {number} bitrateBps Since the last call of stats(); 0 in the first.
 * @property {number} packets
 * @property {number} packetsLost
 * @property {number} lossRatio 0 to 1, since the last call.
 * @property {number} [frames] Decoded (received) or encoded (sent).
 * @property {number} [framesPerSecond]
 * @property {number} [width]
 * @property {number} [height]
 * @property {number} [freezeCount]
 * @property {number} [freezeMs]
 * @property {number} [jitterMs]
 * @property {number} [jitterBufferMs] Mean delay in the jitter buffer over the whole call.
 * @property {number} [audioLevel] 0 to 1.
 * @property {number} [keyFrames]
 * @property {string} [limitedBy] What holds the encoder back: none, cpu, bandwidth, other.
 */

/**
 * @typedef {object} TransportStats
 * @property {string} state
 * @property {number | null} rttMs
 * @property {number | null} availableOutgoingBps
 * @property {string | null} protocol udp or tcp.
 * @property {import("./network-path.js").NetworkPath | null} path
 * @property {TrackStats[]} tracks
 */

/** @typedef {{ bytes: number, packets: number, lost: number, at: number }} Sample */

export class StatsReader {
  constructor() {
    /** @type {Map<string, Sample>} */
    this.last = new Map();
  }

  /**
   * @param {RTCPeerConnection} pc
   * @returns {Promise<TransportStats>}
   */
  async read(pc) {
    const report = await pc.getStats();
    /** @type {Map<string, any>} */
    const entries = new Map();
    report.forEach((entry, id) => entries.set(id, entry));
    const all = [...entries.values()];
    const pair = selectedPair(entries, all);
    return {
      state: pc.connectionState,
      rttMs: typeof pair?.currentRoundTripTime === "number" ? pair.currentRoundTripTime * 1000 : null,
      availableOutgoingBps: pair?.availableOutgoingBitrate ?? null,
      protocol: entries.get(pair?.localCandidateId)?.protocol ?? null,
      path: pathOf(pair, entries.get(pair?.localCandidateId), entries.get(pair?.remoteCandidateId)),
      tracks: all
        .filter((entry) => entry.type === "inbound-rtp" || entry.type === "outbound-rtp")
        .map((entry) => this.#track(entry, entries)),
    };
  }

  /**
   * @param {any} entry
   * @param {Map<string, any>} entries
   * @returns {TrackStats}
   */
  #track(entry, entries) {
    const inbound = entry.type === "inbound-rtp";
    const remote = entries.get(entry.remoteId);
    const sample = {
      bytes: (inbound ? entry.bytesReceived : entry.bytesSent) ?? 0,
      packets: (inbound ? entry.packetsReceived : entry.packetsSent) ?? 0,
      lost: (inbound ? entry.packetsLost : remote?.packetsLost) ?? 0,
      at: entry.timestamp,
    };
    const before = this.last.get(entry.id);
    this.last.set(entry.id, sample);
    const seconds = before ? (sample.at - before.at) / 1000 : 0;
    return {
      mid: entry.mid ?? "",
      rid: entry.rid,
      kind: entry.kind,
      codec: entries.get(entry.codecId)?.mimeType ?? "",
      bitrateBps: before && seconds > 0 ? Math.round(((sample.bytes - before.bytes) * 8) / seconds) : 0,
      packets: sample.packets,
      packetsLost: sample.lost,
      lossRatio: lossRatio(before, sample, inbound),
      frames: inbound ? entry.framesDecoded : entry.framesEncoded,
      framesPerSecond: entry.framesPerSecond,
      width: entry.frameWidth,
      height: entry.frameHeight,
      freezeCount: entry.freezeCount,
      freezeMs: entry.totalFreezesDuration === undefined ? undefined : entry.totalFreezesDuration * 1000,
      jitterMs: entry.jitter === undefined ? undefined : entry.jitter * 1000,
      jitterBufferMs: entry.jitterBufferEmittedCount
        ? (entry.jitterBufferDelay / entry.jitterBufferEmittedCount) * 1000
        : undefined,
      audioLevel: entry.audioLevel,
      keyFrames: inbound ? entry.keyFramesDecoded : entry.keyFramesEncoded,
      limitedBy: entry.qualityLimitationReason,
    };
  }
}

/**
 * @param {Sample | undefined} before
 * @param {Sample} now
 * @param {boolean} inbound Here `packets` are those that arrived; outbound, those that were sent.
 * @returns {number} 0 to 1.
 */
export function lossRatio(before, now, inbound) {
  const lost = Math.max(0, now.lost - (before?.lost ?? 0));
  const packets = now.packets - (before?.packets ?? 0);
  const expected = inbound ? packets + lost : packets;
  return expected > 0 ? Math.min(1, lost / expected) : 0;
}

/**
 * @param {Map<string, any>} entries
 * @param {any[]} all
 */
export function selectedPair(entries, all) {
  const transport = all.find((entry) => entry.type === "transport" && entry.selectedCandidatePairId);
  if (transport) return entries.get(transport.selectedCandidatePairId);
  return all.find((entry) => entry.type === "candidate-pair" && entry.nominated && entry.state === "succeeded");
}
