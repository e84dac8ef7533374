/**
 * Breakout rooms as the server tells of them: which there are, and who is where. No network, no DOM.
 * @module
 */

/** @typedef {import("./room-model.js").RoomModel} RoomModel */
/** @typedef {import("./room-model.js").ModelEvent} ModelEvent */
/** @typedef {import("./types.js").BreakoutRoom} BreakoutRoom */

export class BreakoutModel {
  /** @param {RoomModel} model Whose participants and publications follow. */
  constructor(model) {
    this.model = model;
    /** @type {BreakoutRoom[]} */
    this.rooms = [];
    /** Milliseconds that the server's clock is ahead of this machine's. */
    this.serverAheadMs = 0;
  }

  /** @returns {string | null} Where this side is; null: in the main room. */
  get place() {
    return this.model.participants.get(this.model.selfId)?.breakoutRoomId ?? null;
  }

  /** @returns {BreakoutRoom | null} */
  get here() {
    return this.find(this.place);
  }

  /**
   * @param {string | null} id
   * @returns {BreakoutRoom | null}
   */
  find(id) {
    return this.rooms.find((room) => room.id === id) ?? null;
  }

  /**
   * @param {any[]} rooms As in `room-state`.
   * @returns {ModelEvent[]}
   */
  reset(rooms) {
    const before = JSON.stringify(this.rooms);
    this.rooms = rooms.map((room) => this.#read(room));
    return JSON.stringify(this.rooms) === before ? [] : [this.#changed("", [])];
  }

  /**
   * @param {string} type
   * @param {any} payload
   * @returns {ModelEvent[]}
   */
  apply(type, payload) {
    switch (type) {
      case "breakout-room-create":
        this.rooms = payload.breakout_rooms.map((/** @type {any} */ room) => this.#read(room));
        return [this.#changed(payload.created_by ?? "", payload.created_ids ?? [])];
      case "breakout-room-assign":
        return this.#move(payload, payload.assignments ?? {}, payload.assigned_by ?? "");
      case "breakout-room-close":
        return this.#move(payload, Object.fromEntries((payload.participant_ids ?? []).map((/** @type {string} */ user) => [user, null])), payload.closed_by ?? "");
      case "breakout-room-area":
        return this.#arrive(payload);
      case "breakout-room-closing":
        return [{ type: "breakout-closing", detail: { id: payload.breakout_room_id, name: this.find(payload.breakout_room_id)?.name ?? "", remainingS: payload.remaining_s } }];
      default:
        return [];
    }
  }

  /**
   * No `track-unpublished` comes for those who are elsewhere now.
   * @param {any} payload
   * @param {Record<string, string | null>} assignments
   * @param {string} by
   * @returns {ModelEvent[]}
   */
  #move(payload, assignments, by) {
    const { model } = this;
    const from = this.here;
    const placeBefore = this.place;
    this.rooms = payload.breakout_rooms.map((/** @type {any} */ room) => this.#read(room));
    /** @type {ModelEvent[]} */
    const events = [];
    for (const [user, id] of Object.entries(assignments)) {
      const participant = model.participants.get(user);
      if (!participant) continue;
      participant.breakoutRoomId = id;
      events.push({ type: "participant-updated", detail: { participant } });
    }
    for (const publication of [...model.publications.values()]) {
      const owner = model.participants.get(publication.userId);
      if (owner && !owner.isLocal && owner.breakoutRoomId !== this.place) events.push(...model.removePublication(publication.id));
    }
    events.push(this.#changed(by, []));
    if (this.place !== placeBefore) {
      const closed = (payload.closed_ids ?? []).includes(placeBefore);
      events.push({ type: "breakout-moved", detail: { id: this.place, name: this.here?.name ?? "", from: from?.name ?? "", by, closed } });
    }
    return events;
  }

  /**
   * @param {any} payload
   * @returns {ModelEvent[]}
   */
  #arrive({ complete, participants = [], publications = [] }) {
    const { model } = this;
    /** @type {ModelEvent[]} */
    const events = [];
    for (const info of participants) events.push(...model.putParticipant(info, true));
    const live = new Set(publications.map((/** @type {any} */ info) => info.publication_id));
    for (const { id, userId } of complete ? [...model.publications.values()] : []) {
      if (!live.has(id) && userId !== model.selfId) events.push(...model.removePublication(id));
    }
    for (const info of publications) events.push(...model.putPublication(info));
    return events;
  }

  /**
   * @param {string} by
   * @param {string[]} created
   * @returns {ModelEvent}
   */
  #changed(by, created) {
    return { type: "breakouts", detail: { rooms: this.rooms, by, created } };
  }

  /**
   * @param {any} raw
   * @returns {BreakoutRoom}
   */
  #read(raw) {
    return {
      id: raw.breakout_room_id,
      name: raw.name,
      userIds: raw.participant_ids ?? [],
      maxParticipants: raw.max_participants ?? null,
      endsAt: raw.ends_at ? new Date(Date.parse(raw.ends_at) - this.serverAheadMs) : null,
      selfAssign: Boolean(raw.self_assign),
      createdBy: raw.created_by,
    };
  }
}
