/**
 * The tables of the admin page.
 * @module
 */

import { LiveTable } from "./table.js";
import { bitrate, clock, count, duration, milliseconds, percent } from "./words.js";

/** @typedef {import("./rates.js").Shard} Shard */
/** @typedef {import("./rates.js").Rates} Rates */
/** @typedef {{shard: Shard, rates: Rates}} ShardRow */
/** @typedef {Record<string, any>} Row */

const LATE_MS = 20;
const LOSS_IS_BAD = 0.05;
const LOSS_IS_FAIR = 0.02;

/** @param {number | null | undefined} share */
function loss(share) {
  const tone = share === null || share === undefined ? "" : share > LOSS_IS_BAD ? "bad" : share > LOSS_IS_FAIR ? "fair" : "";
  return { text: percent(share), tone: /** @type {"bad" | "fair" | ""} */ (tone) };
}

/** @param {number | null} ms */
function late(ms) {
  return { text: milliseconds(ms), tone: /** @type {"bad" | ""} */ (ms !== null && ms > LATE_MS ? "bad" : "") };
}

export function shardTable() {
  /** @type {LiveTable<ShardRow>} */
  const table = new LiveTable({
    caption: "Shards",
    empty: "No shard is known.",
    testid: "shards",
    key: ({ shard }) => shard.id,
    columns: [
      { title: "Shard", value: ({ shard }) => shard.id || "this process" },
      {
        title: "State",
        value: ({ shard }) => {
          if (!shard.figures) return { text: "silent", tone: "bad" };
          return { text: shard.state, tone: shard.state === "active" ? "good" : "fair" };
        },
      },
      { title: "Region", value: ({ shard }) => shard.region || "–" },
      { title: "Rooms", isNumber: true, value: ({ shard }) => count(shard.rooms) },
      { title: "Participants", isNumber: true, value: ({ shard }) => count(shard.participants) },
      {
        title: "Load",
        isNumber: true,
        value: ({ shard }) => ({
          text: percent(shard.load, 0),
          tone: (shard.load ?? 0) > (shard.max_load ?? 1) ? "bad" : "",
        }),
      },
      { title: "Packets/s in", isNumber: true, value: ({ rates }) => count(rates.packetsIn) },
      { title: "Packets/s out", isNumber: true, value: ({ rates }) => count(rates.packetsOut) },
      { title: "Out", isNumber: true, value: ({ rates }) => bitrate(rates.bpsOut) },
      { title: "Forwarding, 99 %", isNumber: true, value: ({ rates }) => late(rates.forwardingMs) },
      { title: "Loop late, 99 %", isNumber: true, value: ({ rates }) => late(rates.loopMs) },
      {
        title: "Redis",
        value: ({ shard }) => {
          if (!shard.figures) return "–";
          return shard.figures.redis_up ? { text: "ok", tone: "good" } : { text: "away", tone: "bad" };
        },
      },
      { title: "Up for", isNumber: true, value: ({ shard }) => (shard.started_unix ? duration(Date.now() / 1000 - shard.started_unix) : "–") },
      { title: "Version", value: ({ shard }) => shard.version ?? "–" },
    ],
  });
  return table;
}

/** @param {(room: string) => void} onOpen */
export function roomTable(onOpen) {
  /** @type {LiveTable<Row>} */
  const table = new LiveTable({
    caption: "Rooms",
    empty: "No room is open.",
    testid: "rooms",
    key: (room) => room.room_id,
    onOpen: (room) => onOpen(room.room_id),
    columns: [
      { title: "Room", value: (room) => room.room_id },
      { title: "Shard", value: (room) => room.shard || "–" },
      { title: "Participants", isNumber: true, value: (room) => count(room.participants) },
      { title: "Away", isNumber: true, value: (room) => count(room.away) },
      { title: "Waiting", isNumber: true, value: (room) => count(room.waiting) },
      { title: "Tracks", isNumber: true, value: (room) => count(room.publications) },
      { title: "Up", isNumber: true, value: (room) => bitrate(room.up_bps) },
      { title: "Down", isNumber: true, value: (room) => bitrate(room.down_bps) },
      { title: "Worst loss", isNumber: true, value: (room) => loss(room.worst_loss) },
      { title: "Round trip", isNumber: true, value: (room) => milliseconds(room.rtt_ms) },
      {
        title: "Poor",
        isNumber: true,
        value: (room) => ({ text: count(room.quality.poor ?? 0), tone: room.quality.poor ? "bad" : "" }),
      },
      { title: "Recordings", isNumber: true, value: (room) => count(room.recordings) },
      { title: "Live", isNumber: true, value: (room) => count(room.streams) },
      { title: "Open for", isNumber: true, value: (room) => duration(Date.now() / 1000 - room.created_unix) },
    ],
  });
  return table;
}

/** @type {Record<string, "good" | "fair" | "bad" | "">} */
const TONES = { excellent: "good", good: "good", fair: "fair", poor: "bad" };

export function peopleTable() {
  /** @type {LiveTable<Row>} */
  const table = new LiveTable({
    caption: "Participants",
    empty: "Nobody is in this room.",
    testid: "people",
    key: (person) => person.username,
    columns: [
      { title: "Participant", value: (person) => person.display_name || person.username },
      { title: "Username", value: (person) => person.username },
      { title: "Role", value: (person) => person.role },
      { title: "Here for", isNumber: true, value: (person) => duration(Date.now() / 1000 - person.joined_unix) },
      {
        title: "Connection",
        value: (person) => {
          if (person.away || person.interrupted) return { text: person.away ? "away" : "interrupted", tone: "bad" };
          return { text: person.connection_quality ?? "not measured", tone: TONES[person.connection_quality] ?? "" };
        },
      },
      { title: "Path", value: (person) => [...new Set(person.transports.map((/** @type {Row} */ t) => t.path ?? t.state))].join(", ") || "–" },
      { title: "Up", isNumber: true, value: (person) => bitrate(person.up_bps) },
      { title: "Loss up", isNumber: true, value: (person) => loss(person.up_loss) },
      { title: "Down", isNumber: true, value: (person) => bitrate(person.down_bps) },
      { title: "Loss down", isNumber: true, value: (person) => loss(person.down_loss) },
      { title: "Round trip", isNumber: true, value: (person) => milliseconds(person.down_rtt_ms ?? person.up_rtt_ms) },
      { title: "Jitter", isNumber: true, value: (person) => milliseconds(person.down_jitter_ms ?? person.up_jitter_ms) },
    ],
  });
  return table;
}

export function eventTable() {
  /** @type {LiveTable<Row>} */
  const table = new LiveTable({
    caption: "Events",
    empty: "Nothing has happened yet.",
    testid: "events",
    key: (event) => `${event.at_unix} ${event.room_id} ${event.type} ${event.actor}`,
    columns: [
      { title: "Time", value: (event) => clock(event.at_unix) },
      { title: "Room", value: (event) => event.room_id },
      { title: "What", value: (event) => event.type.replaceAll("_", " ").replaceAll(".", " ") },
      { title: "Who", value: (event) => event.actor ?? "–" },
    ],
  });
  return table;
}
