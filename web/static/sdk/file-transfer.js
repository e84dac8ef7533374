/**
 * Files between two participants: straight from browser to browser where there is a way, over the server's relay where
 * there is none. The room's messages say who sends what to whom and how far it is; the bytes are not among them.
 * @module
 */

import { PlenumError } from "./errors.js";
import { FileReceiving } from "./file-receiving.js";
import { FileSending } from "./file-sending.js";
import { decodeFileFrame, FRAME_PIECE } from "./file-frames.js";
import { removeOld, removeStored } from "./file-storage.js";

/** @typedef {import("../plenum-client.js").PlenumClient} PlenumClient */
/** @typedef {import("./types.js").FileTransfer} FileTransfer */
/** @typedef {import("./types.js").Envelope} Envelope */

/**
 * What the two sides need of the client.
 * @typedef {object} Link
 * @property {RTCIceServer[]} iceServers
 * @property {boolean} mayGoDirect
 * @property {boolean} isConnected
 * @property {(transfer: FileTransfer, state: FileTransfer["state"]) => void} change
 * @property {(transfer: FileTransfer, attempt: number) => import("./file-paths.js").Signal} signalTo
 * @property {(data: ArrayBuffer | Uint8Array, from: string, via?: "direct" | "relay") => void} frame
 * @property {(frame: Uint8Array<ArrayBuffer>, to: string) => Promise<unknown>} relay
 * @property {(transfer: FileTransfer, offset: number) => Promise<unknown>} accept
 * @property {(transfer: FileTransfer) => void} reportProgress
 * @property {(transfer: FileTransfer, checksum: string) => Promise<unknown>} tellChecksum
 * @property {(transfer: FileTransfer, checksum: string, file: Blob) => Promise<unknown>} complete
 * @property {(transfer: FileTransfer, reason: string) => void} giveUp
 */

export const RELAY_TOPIC = "file";
/** Progress goes to the server this seldom for each file under way: messages are limited. */
const PROGRESS_EVERY_MS = 3_000;
/** Changes of the figures are told to the page at most this often. */
const CHANGE_EVERY_MS = 100;
const MAX_NAME_CHARACTERS = 255;
const ENDED = new Set(["complete", "rejected", "cancelled", "failed"]);

export class FileTransfers {
  /** @param {PlenumClient} client */
  constructor(client) {
    this.client = client;
    /** @type {Map<string, FileTransfer>} All of this session, the oldest first. */
    this.all = new Map();
    /** @type {Map<string, FileSending>} */
    this.sending = new Map();
    /** @type {Map<string, FileReceiving>} */
    this.receiving = new Map();
    /** Whether others' browsers may be connected to directly: they then see this one's address. */
    this.direct = true;
    /** @type {RTCIceServer[]} */
    this.iceServers = [];
    /** @type {Map<string, number>} */
    this.toldAt = new Map();
    /** @type {Map<string, number>} */
    this.reportedAt = new Map();
    this.link = this.#makeLink();
    client.on("message", (message) => this.#receive(message));
    client.on("data", ({ from, topic, payload }) => topic === RELAY_TOPIC && this.#frame(payload, from, "relay"));
    client.on("room-state", ({ room, resumed }) => this.#joined(room, resumed));
  }

  /**
   * Offers a file.
   * @param {File} file
   * @param {string} to Username of who is to get it.
   * @returns {Promise<FileTransfer>} When the offer is out; what becomes of it is told by `file-update`.
   * @throws {PlenumError} `too_large`, `not_supported`, `permission_denied`, `rate_limited`…
   */
  async send(file, to) {
    const { payload } = await this.client.request("file-share-offer", {
      receiver_id: to,
      file_name: plainName(file.name),
      file_size: file.size,
      file_type: /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/.test(file.type) ? file.type : "application/octet-stream",
    });
    const transfer = this.#add(payload, "send");
    this.sending.set(transfer.id, new FileSending(transfer, file, this.link));
    return transfer;
  }

  /**
   * Takes an offered file. It is `file` of the transfer once its state is `complete`.
   * @param {FileTransfer} transfer
   * @returns {Promise<void>}
   * @throws {PlenumError} `storage_failed` if there is no room for it; what the server answered.
   */
  async accept(transfer) {
    if (transfer.state !== "offered" || this.receiving.has(transfer.id)) return;
    const receiving = new FileReceiving(transfer, storedName(transfer), this.link);
    this.receiving.set(transfer.id, receiving);
    this.#change(transfer, "connecting");
    try {
      await receiving.start();
    } catch (error) {
      const failure = error instanceof PlenumError ? error : new PlenumError("storage_failed", String(error));
      this.#giveUp(transfer, failure.details.reason === "no_space" ? "no_space" : failure.code);
      throw failure;
    }
  }

  /**
   * Declines an offer.
   * @param {FileTransfer} transfer
   */
  reject(transfer) {
    this.#giveUp(transfer, "declined");
  }

  /**
   * Ends a transfer that is under way, on either side.
   * @param {FileTransfer} transfer
   */
  cancel(transfer) {
    this.#giveUp(transfer, "cancelled");
  }

  /**
   * Forgets a transfer that has ended, and deletes what is kept of it.
   * @param {FileTransfer} transfer
   */
  async forget(transfer) {
    if (!ENDED.has(transfer.state)) return;
    this.all.delete(transfer.id);
    transfer.file = null;
    if (transfer.direction === "receive") await removeStored(storedName(transfer));
  }

  /** Ends everything: the room is left. */
  close() {
    for (const transfer of this.all.values()) {
      if (!ENDED.has(transfer.state)) this.#end(transfer, "cancelled", "left");
    }
  }

  /** @returns {Link} */
  #makeLink() {
    const transfers = this;
    const { client } = this;
    return {
      get iceServers() {
        return transfers.iceServers;
      },
      get mayGoDirect() {
        return transfers.direct && typeof RTCPeerConnection === "function";
      },
      get isConnected() {
        return client.state === "connected";
      },
      change: (transfer, state) => this.#change(transfer, state),
      signalTo: ({ id, peerId }, attempt) => {
        const address = { target_user_id: peerId, transfer_id: id, attempt };
        return {
          offer: (sdp) => client.send("offer", { ...address, sdp }),
          answer: (sdp) => client.send("answer", { ...address, sdp }),
          candidate: (candidate) => client.send("ice-candidate", { ...address, candidate }),
        };
      },
      frame: (data, from, via = "direct") => this.#frame(data, from, via),
      relay: (frame, to) => client.sendData(frame, { to: [to], topic: RELAY_TOPIC }),
      accept: ({ id }, offset) => client.request("file-share-accept", { transfer_id: id, offset }),
      reportProgress: (transfer) => this.#reportProgress(transfer),
      tellChecksum: ({ id, size }, checksum) =>
        client.request("file-share-progress", { transfer_id: id, bytes_transferred: size, checksum }),
      complete: (transfer, checksum, file) => {
        transfer.file = file;
        return client.request("file-share-complete", { transfer_id: transfer.id, checksum });
      },
      giveUp: (transfer, reason) => this.#giveUp(transfer, reason),
    };
  }

  /**
   * @param {import("./types.js").RoomState} room
   * @param {boolean} resumed
   */
  #joined(room, resumed) {
    this.iceServers = (room.ice_servers ?? []).map(
      (server) => /** @type {RTCIceServer} */ (Object.fromEntries(Object.entries(server).filter(([, value]) => value !== null))),
    );
    if (resumed) for (const receiving of this.receiving.values()) receiving.again();
    else void removeOld();
  }

  /** @param {Envelope} message */
  #receive({ type, payload, sender }) {
    if (type.startsWith("file-share-")) return this.#tell(type, payload, sender ?? "");
    if (typeof payload.transfer_id !== "string") return;
    const transfer = this.all.get(payload.transfer_id);
    if (!transfer || transfer.peerId !== sender) return;
    this.sending.get(transfer.id)?.signal(type, payload);
    this.receiving.get(transfer.id)?.signal(type, payload);
  }

  /**
   * @param {string} type
   * @param {any} payload
   * @param {string} sender Who caused it; empty for the server.
   */
  #tell(type, payload, sender) {
    const { userId } = this.client;
    if (type === "file-share-offer") {
      if (payload.receiver_id === userId && !this.all.has(payload.transfer_id)) this.client.emit("file-offer", { transfer: this.#add(payload, "receive") });
      return;
    }
    const transfer = this.all.get(payload.transfer_id);
    if (!transfer || ENDED.has(transfer.state)) return;
    if (type === "file-share-accept" && sender !== userId) void this.sending.get(transfer.id)?.start(payload.offset);
    else if (type === "file-share-progress" && sender !== userId && payload.checksum) void this.receiving.get(transfer.id)?.sent(payload.checksum);
    else if (type === "file-share-reject") this.#end(transfer, payload.status, payload.reason);
    else if (type === "file-share-complete") this.#end(transfer, payload.status, payload.reason);
  }

  /**
   * @param {ArrayBuffer | Uint8Array} data
   * @param {string} from
   * @param {"direct" | "relay"} via
   */
  #frame(data, from, via) {
    const frame = decodeFileFrame(data);
    const transfer = frame ? this.all.get(frame.id) : undefined;
    if (!frame || transfer?.peerId !== from) return;
    if (frame.kind === FRAME_PIECE) void this.receiving.get(frame.id)?.piece(frame.offset, frame.piece, via);
    else this.sending.get(frame.id)?.written(frame.offset);
  }

  /**
   * @param {any} payload
   * @param {"send" | "receive"} direction
   * @returns {FileTransfer}
   */
  #add(payload, direction) {
    /** @type {FileTransfer} */
    const transfer = {
      id: payload.transfer_id,
      direction,
      peerId: direction === "send" ? payload.receiver_id : payload.sender_id,
      name: payload.file_name,
      size: payload.file_size,
      type: payload.file_type,
      bytes: 0,
      state: "offered",
      reason: null,
      via: null,
      file: null,
    };
    this.all.set(transfer.id, transfer);
    return transfer;
  }

  /**
   * @param {FileTransfer} transfer
   * @param {FileTransfer["state"]} state
   */
  #change(transfer, state) {
    if (ENDED.has(transfer.state)) return;
    const now = performance.now();
    if (state === transfer.state && now - (this.toldAt.get(transfer.id) ?? -Infinity) < CHANGE_EVERY_MS) return;
    transfer.state = state;
    this.toldAt.set(transfer.id, now);
    this.client.emit("file-update", { transfer });
  }

  /** @param {FileTransfer} transfer */
  #reportProgress({ id, bytes }) {
    const now = performance.now();
    const pauseMs = PROGRESS_EVERY_MS * Math.max(1, this.receiving.size);
    const last = this.reportedAt.get(id);
    if (last === undefined) this.reportedAt.set(id, now);
    else if (now - last > pauseMs) {
      this.reportedAt.set(id, now);
      this.client.send("file-share-progress", { transfer_id: id, bytes_transferred: bytes });
    }
  }

  /**
   * @param {FileTransfer} transfer
   * @param {string} reason
   */
  #giveUp(transfer, reason) {
    if (ENDED.has(transfer.state)) return;
    this.client.send("file-share-reject", { transfer_id: transfer.id, reason });
    const chosen = reason === "declined" ? "rejected" : reason === "cancelled" ? "cancelled" : "failed";
    this.#end(transfer, chosen, reason);
  }

  /**
   * @param {FileTransfer} transfer
   * @param {FileTransfer["state"]} state
   * @param {string | null} reason
   */
  #end(transfer, state, reason) {
    if (ENDED.has(transfer.state)) return;
    this.sending.get(transfer.id)?.close();
    this.sending.delete(transfer.id);
    void this.receiving.get(transfer.id)?.close({ keep: state === "complete" });
    this.receiving.delete(transfer.id);
    this.toldAt.delete(transfer.id);
    this.reportedAt.delete(transfer.id);
    if (state === "complete") transfer.bytes = transfer.size;
    else transfer.file = null;
    transfer.state = state;
    transfer.reason = reason;
    if (state === "failed" && transfer.direction === "receive") void removeStored(storedName(transfer));
    this.client.emit("file-update", { transfer });
  }
}

/** @param {FileTransfer} transfer */
function storedName({ id }) {
  return id;
}

/**
 * @param {string} name
 * @returns {string} Without what no server takes: folders, control characters and those that turn the direction of writing.
 */
export function plainName(name) {
  const plain = name.replace(/[/\\\p{Cc}\p{Cs}\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu, "_");
  return /^[ .]*$/.test(plain) ? "file" : shortened(plain);
}

/**
 * @param {string} name
 * @returns {string} At most 255 characters, its end kept: that is what tells the type.
 */
function shortened(name) {
  const characters = [...name];
  if (characters.length <= MAX_NAME_CHARACTERS) return name;
  return [...characters.slice(0, MAX_NAME_CHARACTERS - 17), "…", ...characters.slice(-16)].join("");
}
