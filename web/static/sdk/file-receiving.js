/**
 * The receiver's side of one transfer: writes what arrives, tells how far it is, asks again after an interruption, and
 * compares the checksum at the end.
 * @module
 */

import { PlenumError } from "./errors.js";
import { encodeFileFrame, FRAME_WRITTEN, PIECE_BYTES } from "./file-frames.js";
import { judgePiece, WrittenReports } from "./file-flow.js";
import { DirectPath, RelayPath } from "./file-paths.js";
import { FileTarget, fits } from "./file-storage.js";

/** @typedef {import("./file-transfer.js").Link} Link */
/** @typedef {import("./types.js").FileTransfer} FileTransfer */

const REPORT_EVERY_BYTES = 2 * PIECE_BYTES;
/** Nothing has come for so long: the file is asked for again from where it is. */
const SILENT_MS = 6_000;
/** A try to find a direct way takes the sender eight seconds. */
const BETWEEN_REQUESTS_MS = 12_000;
/** Without one new byte for so long it has failed. */
const GIVE_UP_MS = 5 * 60_000;
const LOOK_EVERY_MS = 1_000;
/** After this code there is nothing to go on with. */
const FINAL = new Set(["transfer_not_found", "invalid_state", "permission_denied"]);
/** After these it makes sense to try again. */
const AWAY = new Set(["unavailable", "timeout", "rate_limited"]);
const COMPLETE_AGAIN_MS = 3_000;
const MOST_COMPLETE_TRIES = 60;

export class FileReceiving {
  /**
   * @param {FileTransfer} transfer
   * @param {string} storedName
   * @param {Link} link
   */
  constructor(transfer, storedName, link) {
    this.transfer = transfer;
    this.link = link;
    this.target = new FileTarget(storedName, transfer.size);
    this.reports = new WrittenReports(REPORT_EVERY_BYTES);
    this.written = 0;
    /** What has been handed to the disk; it may not be written yet. */
    this.taken = 0;
    this.over = false;
    this.finishing = false;
    /** @type {string | null} What the sender says. */
    this.checksum = null;
    this.attempt = 0;
    /** @type {DirectPath | null} */
    this.direct = null;
    this.relay = new RelayPath((frame) => link.relay(frame, transfer.peerId));
    this.lastPieceAt = 0;
    this.lastRequestAt = 0;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.watch = undefined;
  }

  /**
   * Opens the file and asks for it.
   * @throws {PlenumError} `storage_failed`, or what the server answered.
   */
  async start() {
    if (!(await fits(this.transfer.size))) throw new PlenumError("storage_failed", "", { details: { reason: "no_space" } });
    this.written = this.taken = await this.target.open();
    await this.#request();
    this.watch = setInterval(() => void this.#look(), LOOK_EVERY_MS);
  }

  /** The session is a new one: whatever was under way has to be asked for again. */
  again() {
    this.lastRequestAt = -Infinity;
    this.lastPieceAt = performance.now() - SILENT_MS;
  }

  /**
   * @param {number} offset
   * @param {Uint8Array} piece
   * @param {"direct" | "relay"} via
   */
  async piece(offset, piece, via) {
    if (this.over || this.finishing) return;
    this.lastPieceAt = performance.now();
    this.transfer.via = via;
    const verdict = judgePiece(this.taken, offset, piece.length, this.transfer.size);
    if (verdict === "bad") return;
    if (verdict === "write") {
      this.taken += piece.length;
      try {
        this.written = await this.target.write(piece);
      } catch (error) {
        if (!this.over) this.link.giveUp(this.transfer, error instanceof PlenumError && error.details.reason === "no_space" ? "no_space" : "storage_failed");
        return;
      }
      if (this.over) return;
      this.transfer.bytes = this.written;
      this.link.change(this.transfer, "transferring");
      this.link.reportProgress(this.transfer);
    }
    // Something is missing, or comes twice: say at once where it is.
    if (verdict !== "write" || this.reports.isDue(this.written, this.transfer.size)) this.#tell(via);
    await this.finishIfComplete();
  }

  /** @param {string} checksum Of the whole file, as the sender says. */
  async sent(checksum) {
    this.checksum = checksum;
    await this.finishIfComplete();
  }

  async finishIfComplete() {
    if (this.over || this.finishing || !this.checksum || this.written < this.transfer.size) return;
    this.finishing = true;
    clearInterval(this.watch);
    this.link.change(this.transfer, "verifying");
    try {
      const { checksum, file } = await this.target.finish();
      await this.#complete(checksum, file);
    } catch (error) {
      if (!this.over) this.link.giveUp(this.transfer, error instanceof PlenumError ? error.code : "storage_failed");
    }
  }

  /**
   * The server may be away just now; the file is not.
   * @param {string} checksum
   * @param {Blob} file
   */
  async #complete(checksum, file) {
    for (let tries = 0; ; tries += 1) {
      try {
        return await this.link.complete(this.transfer, checksum, file);
      } catch (error) {
        const away = error instanceof PlenumError && AWAY.has(error.code);
        if (this.over || !away || tries >= MOST_COMPLETE_TRIES) throw error;
        await new Promise((resolve) => setTimeout(resolve, COMPLETE_AGAIN_MS));
      }
    }
  }

  /**
   * A description or candidate of the sender.
   * @param {string} type
   * @param {any} payload
   */
  signal(type, payload) {
    if (this.over || !this.link.mayGoDirect) return;
    if (type === "offer") {
      this.direct?.close();
      this.attempt = payload.attempt;
      this.direct = new DirectPath(this.link.iceServers, this.link.signalTo(this.transfer, payload.attempt), {
        onFrame: (data) => this.link.frame(data, this.transfer.peerId, "direct"),
        onLost: () => undefined,
      });
      this.direct.takeOffer(payload.sdp);
    } else if (type === "ice-candidate" && payload.attempt === this.attempt) {
      this.direct?.takeCandidate(payload.candidate);
    }
  }

  /** @param {{ keep: boolean }} options `keep`: what was written may be gone on with. */
  async close({ keep }) {
    this.over = true;
    clearInterval(this.watch);
    this.direct?.close();
    this.relay.close();
    if (this.finishing) return;
    await (keep ? this.target.close() : this.target.discard());
  }

  async #look() {
    const now = performance.now();
    const silent = now - this.lastPieceAt;
    if (this.over || this.finishing || silent < SILENT_MS) return;
    if (silent > GIVE_UP_MS) return this.link.giveUp(this.transfer, "timeout");
    // The user sees it at once; whether it is time to ask again is another matter.
    if (this.transfer.state === "transferring") this.link.change(this.transfer, "interrupted");
    if (now - this.lastRequestAt < BETWEEN_REQUESTS_MS) return;
    this.link.change(this.transfer, "interrupted");
    if (!this.link.isConnected) return;
    try {
      await this.#request();
    } catch (error) {
      if (!this.over && error instanceof PlenumError && FINAL.has(error.code)) this.link.giveUp(this.transfer, error.code);
    }
  }

  /** Asks the sender to send from here on. */
  async #request() {
    this.lastRequestAt = performance.now();
    if (this.lastPieceAt === 0) this.lastPieceAt = this.lastRequestAt;
    await this.link.accept(this.transfer, this.written);
  }

  /** @param {"direct" | "relay"} via */
  #tell(via) {
    const path = via === "direct" ? this.direct : this.relay;
    path?.send(encodeFileFrame(FRAME_WRITTEN, this.transfer.id, this.written)).catch(() => undefined);
  }
}
