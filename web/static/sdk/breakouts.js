/**
 * What can be done with breakout rooms. Hosts and moderators may all of it; the others may join() and comeBack() where
 * a room is open to them.
 * @module
 */

/** @typedef {import("./types.js").Link} Link */

export class Breakouts {
  /** @param {Link} link */
  constructor(link) {
    this.link = link;
  }

  /**
   * @param {object} [wish]
   * @param {string | null} [wish.name] Of several, a number is added.
   * @param {number} [wish.count]
   * @param {number | null} [wish.maxParticipants] In each; null: no limit.
   * @param {number | null} [wish.durationS] Seconds after which they close by themselves; null: never.
   * @param {boolean} [wish.selfAssign] Participants may come and go by themselves.
   * @param {string[]} [wish.userIds] Who goes there at once, dealt out in turn.
   * @returns {Promise<string[]>} Ids of the rooms.
   */
  async create({ name = null, count = 1, maxParticipants = null, durationS = null, selfAssign = false, userIds = [] } = {}) {
    const wish = { name, count, max_participants: maxParticipants, duration_s: durationS, self_assign: selfAssign, participant_ids: userIds };
    return (await this.link.request("breakout-room-create", wish)).payload.created_ids;
  }

  /**
   * @param {string[]} userIds
   * @param {string | null} id null: back to the main room.
   */
  async assign(userIds, id) {
    await this.link.request("breakout-room-assign", { breakout_room_id: id, participant_ids: userIds });
  }

  /**
   * Spreads all who are in the main room, hosts and moderators apart.
   * @returns {Promise<{ moved: string[], notAssigned: string[] }>} `notAssigned`: for whom there was no place.
   */
  async spread() {
    const { payload } = await this.link.request("breakout-room-assign", { auto: true });
    return { moved: payload.participant_ids ?? [], notAssigned: payload.not_assigned ?? [] };
  }

  /**
   * Goes there oneself.
   * @param {string} id
   */
  async join(id) {
    await this.link.request("breakout-room-assign", { breakout_room_id: id });
  }

  /** Goes back to the main room oneself. */
  async comeBack() {
    await this.link.request("breakout-room-assign", { breakout_room_id: null });
  }

  /**
   * Whether participants may come and go by themselves.
   * @param {boolean} allowed
   * @param {string | null} [id] null: in all rooms.
   */
  async setSelfAssign(allowed, id = null) {
    await this.link.request("breakout-room-assign", { self_assign: allowed, ...(id ? { breakout_room_id: id } : {}) });
  }

  /** @param {string | null} [id] null: all of them. */
  async close(id = null) {
    await this.link.request("breakout-room-close", id ? { breakout_room_id: id } : { all: true });
  }

  /**
   * A chat message that reaches everybody, wherever they are.
   * @param {string} text
   */
  async tellAll(text) {
    await this.link.request("chat-message", { message: text, to_all_rooms: true });
  }
}
