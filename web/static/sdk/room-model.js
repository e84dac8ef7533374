/**
 * Who is in the room and what they publish, as the server's messages tell it. No network, no DOM.
 * @module
 */

import { readBackground } from "./backgrounds.js";
import { BreakoutModel } from "./breakout-model.js";
import { RecordingModel } from "./recordings.js";
import { LiveModel } from "./live.js";

/** @typedef {import("./types.js").Participant} Participant */
/** @typedef {import("./types.js").Publication} Publication */
/** @typedef {import("./types.js").ParticipantInfo} ParticipantInfo */
/** @typedef {import("./types.js").PublicationInfo} PublicationInfo */
/** @typedef {import("./types.js").Source} Source */

/** @typedef {import("./types.js").RaisedHand} RaisedHand */
/** @typedef {import("./types.js").WaitingPerson} WaitingPerson */

/** @typedef {{ type: keyof import("./types.js").ClientEvents, detail: any }} ModelEvent */

/** Which publications a flag of `media-control` speaks of. @type {Record<string, Source>} */
const FLAG_SOURCES = { audio_enabled: "microphone", video_enabled: "camera" };

export class RoomModel {
  constructor() {
    this.selfId = "";
    this.roomId = "";
    /** @type {import("./types.js").Role} */
    this.role = "participant";
    /** @type {Record<string, boolean>} */
    this.permissions = {};
    /** @type {Partial<import("./types.js").RoomSettings>} */
    this.settings = {};
    /** @type {Record<string, any>} */
    this.features = {};
    /** @type {RaisedHand[]} First in first out. */
    this.hands = [];
    /** @type {Map<string, WaitingPerson>} Who waits to be admitted; only known to those who manage participants. */
    this.waiting = new Map();
    this.breakouts = new BreakoutModel(this);
    this.recordings = new RecordingModel();
    this.live = new LiveModel();
    /** @type {Map<string, Participant>} */
    this.participants = new Map();
    /** @type {Map<string, Publication>} */
    this.publications = new Map();
  }

  /**
   * Takes a room-state. After a reconnect only the differences come out, so that nobody seems to leave and come back.
   * @param {import("./types.js").RoomState} state
   * @param {ReadonlySet<string>} [kept] Publications that are still received from where the room was before.
   * @returns {ModelEvent[]}
   */
  reset(state, kept = new Set()) {
    this.selfId = state.user_id;
    this.roomId = state.room_id;
    this.role = state.role;
    this.permissions = state.permissions ?? {};
    const settingsBefore = JSON.stringify(this.settings);
    this.settings = state.settings ?? {};
    this.features = state.features ?? {};
    const here = new Set(state.participants.map((info) => info.username));
    const live = new Set(state.publications.map((info) => info.publication_id));
    const events = [];
    for (const publication of [...this.publications.values()]) {
      if (!live.has(publication.id) && !kept.has(publication.id)) events.push(...this.removePublication(publication.id));
    }
    for (const participant of [...this.participants.values()]) {
      if (!here.has(participant.username)) events.push(...this.removeParticipant(participant.username, "left"));
    }
    for (const info of state.participants) events.push(...this.putParticipant(info, true));
    for (const info of state.publications) events.push(...this.putPublication(info));
    events.push(...this.breakouts.reset(state.breakout_rooms ?? []));
    events.push(...this.recordings.reset(state.recordings ?? []));
    events.push(...this.live.reset(state.live_streams ?? []));
    const queue = state.hand_raise_queue ?? [];
    if (queue.length + this.hands.length > 0) events.push(...this.setHands({ queue }));
    const waited = this.waiting.size;
    this.waiting = new Map((state.waiting_room ?? []).map((info) => [info.user_id, readWaiting(info)]));
    if (waited + this.waiting.size > 0) events.push(this.#waitingEvent(null));
    if (JSON.stringify(this.settings) !== settingsBefore) events.push(this.#settingsEvent(null));
    return events;
  }

  /**
   * @param {string} type
   * @param {any} payload
   * @returns {ModelEvent[]} What changed, for the application; empty for messages this model does not know.
   */
  apply(type, payload) {
    switch (type) {
      case "user-joined":
        return this.putParticipant(payload.participant ?? payload, false);
      case "user-left":
        return this.removeParticipant(payload.username, payload.reason ?? "left");
      case "track-published":
        return this.putPublication(payload.publication ?? payload);
      case "track-unpublished":
        return this.removePublication(payload.publication_id);
      case "media-control":
        return this.setFlags(payload);
      case "active-speakers":
        return this.setSpeakers(payload);
      case "participant-update":
        return this.updateParticipant(payload);
      case "virtual-background-update":
        return this.updateParticipant({ user_id: payload.user_id, virtual_background: payload });
      case "role-updated":
        return this.setRole(payload);
      case "permission-updated":
        return this.setPermissions(payload);
      case "room-settings-update":
        return this.setSettings(payload);
      case "hand-raise-queue":
        return this.setHands(payload);
      case "waiting-room-join":
        return this.putWaiting(payload);
      case "waiting-room-admit":
      case "waiting-room-reject":
      case "waiting-room-left":
        return this.waiting.delete(payload.user_id) ? [this.#waitingEvent(null)] : [];
      case "recording-status":
        return this.recordings.apply(payload);
      case "quality-update":
        return this.setQuality(payload);
      case "unmute-request":
        return [{ type: "unmute-request", detail: { by: payload.requested_by, audio: Boolean(payload.audio), video: Boolean(payload.video) } }];
      default:
        if (type.startsWith("live-stream-")) return this.live.apply(type, payload);
        return type.startsWith("breakout-room-") ? this.breakouts.apply(type, payload) : [];
    }
  }

  /** @returns {Participant[]} Those in the same breakout room, or in the main room; oneself included. */
  get together() {
    const { place } = this.breakouts;
    return [...this.participants.values()].filter(({ breakoutRoomId }) => breakoutRoomId === place);
  }

  /**
   * @param {string} userId
   * @param {Source} source
   * @returns {Publication | null}
   */
  find(userId, source) {
    for (const publication of this.publications.values()) {
      if (publication.userId === userId && publication.source === source) return publication;
    }
    return null;
  }

  /**
   * @param {ParticipantInfo} info
   * @param {boolean} initial
   * @returns {ModelEvent[]}
   */
  putParticipant(info, initial) {
    if (typeof info?.username !== "string") return [];
    const known = this.participants.get(info.username);
    const participant = known ?? newParticipant(info.username, info.username === this.selfId);
    merge(participant, info);
    participant.isLocal = info.username === this.selfId;
    this.participants.set(info.username, participant);
    return [
      known
        ? { type: "participant-updated", detail: { participant } }
        : { type: "participant-joined", detail: { participant, initial } },
    ];
  }

  /**
   * @param {string} username
   * @param {string} reason
   * @returns {ModelEvent[]}
   */
  removeParticipant(username, reason) {
    const participant = this.participants.get(username);
    if (!participant) return [];
    const events = [];
    for (const publication of [...this.publications.values()]) {
      if (publication.userId === username) events.push(...this.removePublication(publication.id));
    }
    this.participants.delete(username);
    events.push({ type: /** @type {const} */ ("participant-left"), detail: { participant, reason } });
    return events;
  }

  /**
   * @param {PublicationInfo} info
   * @returns {ModelEvent[]}
   */
  putPublication(info) {
    if (typeof info?.publication_id !== "string") return [];
    const known = this.publications.get(info.publication_id);
    const muted = Boolean(info.muted);
    if (known) {
      if (known.muted === muted) return [];
      known.muted = muted;
      return [{ type: "publication-updated", detail: { publication: known } }];
    }
    const publication = { id: info.publication_id, userId: info.user_id, source: info.source, kind: info.kind, muted };
    this.publications.set(publication.id, publication);
    const participant = this.participants.get(publication.userId) ?? null;
    return [{ type: "publication-added", detail: { publication, participant } }];
  }

  /**
   * @param {string} id
   * @returns {ModelEvent[]}
   */
  removePublication(id) {
    const publication = this.publications.get(id);
    if (!publication) return [];
    this.publications.delete(id);
    return [{ type: "publication-removed", detail: { publication } }];
  }

  /**
   * `media-control`: who has muted what.
   * @param {any} payload
   * @returns {ModelEvent[]}
   */
  setFlags(payload) {
    /** @type {ModelEvent[]} */
    const events = [];
    for (const [flag, source] of Object.entries(FLAG_SOURCES)) {
      const publication = typeof payload[flag] === "boolean" ? this.find(payload.user_id, source) : null;
      if (!publication || publication.muted === !payload[flag]) continue;
      publication.muted = !payload[flag];
      events.push({ type: "publication-updated", detail: { publication } });
    }
    return events;
  }

  /**
   * @param {any} payload
   * @returns {ModelEvent[]}
   */
  setSpeakers(payload) {
    /** @type {Map<string, number>} */
    const levels = new Map();
    for (const speaker of payload.speakers ?? []) levels.set(speaker.user_id, speaker.audio_level ?? 0);
    for (const participant of this.participants.values()) {
      participant.isSpeaking = levels.has(participant.username);
      participant.audioLevel = levels.get(participant.username) ?? 0;
    }
    const speakers = [...levels].map(([userId, audioLevel]) => ({ userId, audioLevel }));
    return [{ type: "active-speakers", detail: { dominant: payload.dominant ?? null, speakers } }];
  }

  /**
   * @param {any} payload
   * @returns {ModelEvent[]}
   */
  updateParticipant(payload) {
    const participant = this.participants.get(payload.username ?? payload.user_id);
    if (!participant) return [];
    merge(participant, payload);
    return [{ type: "participant-updated", detail: { participant } }];
  }

  /**
   * @param {any} payload
   * @returns {ModelEvent[]}
   */
  setRole(payload) {
    const participant = this.participants.get(payload.user_id);
    if (participant) participant.role = payload.role;
    /** @type {ModelEvent[]} */
    const events = participant ? [{ type: "participant-updated", detail: { participant } }] : [];
    if (payload.user_id === this.selfId) {
      this.role = payload.role;
      if (payload.permissions) this.permissions = payload.permissions;
      events.push({ type: "rights", detail: { role: this.role, permissions: this.permissions } });
    }
    return events;
  }

  /**
   * @param {any} payload
   * @returns {ModelEvent[]}
   */
  setPermissions(payload) {
    if (payload.user_id !== this.selfId) {
      return [{ type: "permissions", detail: { userId: payload.user_id, permissions: payload.permissions } }];
    }
    this.permissions = { ...this.permissions, ...payload.permissions };
    /** @type {ModelEvent[]} */
    const events = [{ type: "rights", detail: { role: this.role, permissions: this.permissions } }];
    if (!this.permissions.can_manage_participants && this.waiting.size > 0) {
      this.waiting.clear();
      events.push(this.#waitingEvent(null));
    }
    return events;
  }

  /**
   * @param {any} payload
   * @returns {ModelEvent[]}
   */
  setSettings({ updated_by: by, ...settings }) {
    this.settings = { ...this.settings, ...settings };
    return [this.#settingsEvent(by ?? null)];
  }

  /**
   * @param {any} payload
   * @returns {ModelEvent[]}
   */
  setHands({ queue = [] }) {
    this.hands = queue.map((/** @type {any} */ hand) => ({ userId: hand.user_id ?? hand.username, raisedAt: hand.raised_at, position: hand.position }));
    const raised = new Set(this.hands.map(({ userId }) => userId));
    /** @type {string[]} */
    const risen = [];
    for (const participant of this.participants.values()) {
      const up = raised.has(participant.username);
      if (up && !participant.isHandRaised) risen.push(participant.username);
      participant.isHandRaised = up;
    }
    return [{ type: "hands", detail: { queue: this.hands, risen } }];
  }

  /**
   * @param {any} payload
   * @returns {ModelEvent[]}
   */
  putWaiting(payload) {
    const person = readWaiting(payload);
    if (person.userId === this.selfId) return [];
    const known = this.waiting.has(person.userId);
    this.waiting.set(person.userId, person);
    return [this.#waitingEvent(known ? null : person)];
  }

  /**
   * @param {any} payload
   * @returns {ModelEvent[]}
   */
  setQuality(payload) {
    const quality = readQuality(payload);
    /** @type {ModelEvent[]} */
    const events = [{ type: "quality", detail: quality }];
    const participant = this.participants.get(quality.userId);
    if (participant && participant.connectionQuality !== quality.level) {
      participant.connectionQuality = quality.level;
      events.push({ type: "participant-updated", detail: { participant } });
    }
    return events;
  }

  /**
   * @param {WaitingPerson | null} arrived
   * @returns {ModelEvent}
   */
  #waitingEvent(arrived) {
    const waiting = [...this.waiting.values()].sort((one, other) => one.position - other.position);
    return { type: "waiting-room", detail: { waiting, arrived } };
  }

  /**
   * @param {string | null} by
   * @returns {ModelEvent}
   */
  #settingsEvent(by) {
    return { type: "settings", detail: { settings: this.settings, by } };
  }
}

/**
 * @param {string} username
 * @param {boolean} isLocal
 * @returns {Participant}
 */
function newParticipant(username, isLocal) {
  return {
    username,
    displayName: username,
    avatarUrl: null,
    role: "participant",
    isLocal,
    isSpeaking: false,
    audioLevel: 0,
    isHandRaised: false,
    joinedAt: null,
    connectionQuality: null,
    breakoutRoomId: null,
    background: { type: "none", url: null },
  };
}

/**
 * @param {Participant} participant
 * @param {Partial<ParticipantInfo>} info
 */
function merge(participant, info) {
  if (info.display_name) participant.displayName = info.display_name;
  if (info.avatar_url !== undefined) participant.avatarUrl = info.avatar_url ?? null;
  if (info.role) participant.role = info.role;
  if (typeof info.is_speaking === "boolean") participant.isSpeaking = info.is_speaking;
  if (typeof info.audio_level === "number") participant.audioLevel = info.audio_level;
  if (typeof info.is_hand_raised === "boolean") participant.isHandRaised = info.is_hand_raised;
  if (info.joined_at) participant.joinedAt = info.joined_at;
  if (info.connection_quality !== undefined) participant.connectionQuality = info.connection_quality ?? null;
  if (info.virtual_background !== undefined) participant.background = readBackground(info.virtual_background);
  if (info.breakout_room_id !== undefined) participant.breakoutRoomId = info.breakout_room_id ?? null;
}

/**
 * @param {any} info
 * @returns {WaitingPerson}
 */
export function readWaiting(info) {
  return {
    userId: info.user_id,
    displayName: info.display_name || info.user_id,
    avatarUrl: info.avatar_url ?? null,
    since: info.joined_waiting_at,
    position: info.position ?? 1,
    reason: info.reason ?? "approval",
  };
}

/**
 * @param {any} payload Of `quality-update`.
 * @returns {import("./types.js").Quality}
 */
function readQuality(payload) {
  return {
    userId: payload.user_id,
    level: payload.quality_level,
    interrupted: Boolean(payload.interrupted),
    uplink: readPath(payload.uplink),
    downlink: readPath(payload.downlink),
    recommendation: payload.recommendation ?? "",
    code: payload.recommendation_code ?? "none",
  };
}

/**
 * @param {any} path
 * @returns {import("./types.js").PathQuality | null}
 */
function readPath(path) {
  if (!path) return null;
  return { level: path.quality_level, kbps: path.bitrate_total ?? 0, lossPercent: path.packet_loss ?? null, jitterMs: path.jitter ?? null, rttMs: path.rtt ?? null };
}
