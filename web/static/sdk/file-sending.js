/**
 * The sender's side of one transfer: waits to be told where to begin, finds a way to the other browser, and keeps the
 * window full until everything is written there.
 * @module
 */

import { FRAME_PIECE, encodeFileFrame, PIECE_BYTES } from "./file-frames.js";
import { SendWindow } from "./file-flow.js";
import { DirectPath, RelayPath } from "./file-paths.js";
import { FileSource } from "./file-storage.js";

/** @typedef {import("./file-transfer.js").Link} Link */
/** @typedef {import("./types.js").FileTransfer} FileTransfer */

/** A direct way that is not there by then is not waited for any longer. */
const DIRECT_TIMEOUT_MS = 8_000;
/** Nothing new is written for so long: what is under way is sent again over the relay, or another way is tried. */
const STALLED_MS = 4_000;
/** So often in a row, then it is the receiver's turn to say that it is back. */
const MOST_STALLS = 3;

export class FileSending {
  /**
   * @param {FileTransfer} transfer
   * @param {File} file
   * @param {Link} link
   */
  constructor(transfer, file, link) {
    this.transfer = transfer;
    this.link = link;
    this.source = new FileSource(file);
    /** Counts the tries; what belongs to an older one is passed over. */
    this.attempt = 0;
    this.directFailed = false;
    this.directWorked = false;
    this.over = false;
    /** @type {SendWindow | null} */
    this.window = null;
    /** @type {import("./file-paths.js").FilePath | null} */
    this.path = null;
    /** @type {DirectPath | null} */
    this.direct = null;
    /** @type {(() => void) | null} Wakes what waits for the other side to write. */
    this.wake = null;
  }

  /**
   * The receiver says from where it wants the file: at the beginning, and after every interruption.
   * @param {number} offset
   */
  async start(offset) {
    const attempt = (this.attempt += 1);
    this.#leavePath();
    // Where there was no way once there will hardly be one now; where there was one it comes back with the network.
    this.directFailed &&= !this.directWorked;
    this.transfer.bytes = offset;
    this.link.change(this.transfer, offset < this.transfer.size ? "connecting" : "verifying");
    try {
      if (offset < this.transfer.size) {
        await this.#findPath(attempt);
        await this.#pump(attempt, offset);
      }
      if (attempt !== this.attempt || this.over) return;
      this.link.change(this.transfer, "verifying");
      const checksum = await this.source.digest();
      if (attempt === this.attempt && !this.over) await this.link.tellChecksum(this.transfer, checksum);
    } catch (error) {
      if (attempt !== this.attempt || this.over) return;
      this.#leavePath();
      if (isUnreadable(error)) this.link.giveUp(this.transfer, "file_unreadable");
      else this.link.change(this.transfer, "interrupted");
    }
  }

  /** @param {number} offset What the receiver has written. */
  written(offset) {
    if (!this.window?.acknowledge(offset)) return;
    this.transfer.bytes = offset;
    this.link.change(this.transfer, "transferring");
    this.wake?.();
  }

  /**
   * A description or candidate of the receiver.
   * @param {string} type
   * @param {any} payload
   */
  signal(type, payload) {
    if (!this.direct || payload.attempt !== this.attempt) return;
    if (type === "answer") this.direct.takeAnswer(payload.sdp);
    else if (type === "ice-candidate") this.direct.takeCandidate(payload.candidate);
  }

  close() {
    this.over = true;
    this.#leavePath();
    this.source.close();
  }

  /** @param {number} attempt */
  async #findPath(attempt) {
    this.path = null;
    if (!this.directFailed && this.link.mayGoDirect) {
      const direct = new DirectPath(this.link.iceServers, this.link.signalTo(this.transfer, attempt), {
        onFrame: (data) => this.link.frame(data, this.transfer.peerId),
        onLost: () => this.wake?.(),
      });
      this.direct = direct;
      try {
        await direct.connect(DIRECT_TIMEOUT_MS);
        this.path = direct;
        this.directWorked = true;
      } catch {
        direct.close();
        this.direct = null;
        this.directFailed = attempt === this.attempt;
      }
    }
    if (attempt !== this.attempt || this.over) return;
    this.path ??= new RelayPath((frame) => this.link.relay(frame, this.transfer.peerId));
    this.transfer.via = this.path.via;
    this.link.change(this.transfer, "transferring");
  }

  /**
   * @param {number} attempt
   * @param {number} offset
   */
  async #pump(attempt, offset) {
    let stalls = 0;
    const window = new SendWindow({ size: this.transfer.size, offset, windowBytes: 0, pieceBytes: PIECE_BYTES });
    this.window = window;
    while (attempt === this.attempt && !this.over && !window.isDone) {
      window.windowBytes = this.path?.windowBytes ?? 0;
      const piece = window.take();
      const before = window.written;
      if (piece) await this.#send(piece, window);
      else await this.#someWritten();
      if (window.written > before) stalls = 0;
      else if (!piece) {
        stalls += 1;
        if (stalls > MOST_STALLS) throw new Error("stalled");
        if (this.path?.via === "direct") await this.#findPathAnew(attempt);
        window.rewind();
      }
    }
  }

  /**
   * @param {{ offset: number, length: number }} piece
   * @param {SendWindow} window
   */
  async #send({ offset, length }, window) {
    const bytes = await this.source.read(offset, length);
    const { path } = this;
    try {
      await path?.send(encodeFileFrame(FRAME_PIECE, this.transfer.id, offset, bytes));
    } catch (error) {
      if (path?.via !== "direct" || this.over) throw error;
      await this.#findPathAnew(this.attempt);
      window.rewind();
    }
  }

  /** The direct way broke: the relay takes over at once. @param {number} attempt */
  async #findPathAnew(attempt) {
    this.#leavePath();
    this.directFailed = true;
    await this.#findPath(attempt);
  }

  /** @returns {Promise<void>} When more is written, the way is lost, or it takes too long. */
  #someWritten() {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, STALLED_MS);
      this.wake = () => {
        clearTimeout(timer);
        this.wake = null;
        resolve();
      };
    });
  }

  #leavePath() {
    this.path?.close();
    this.direct?.close();
    this.path = this.direct = null;
    this.wake?.();
  }
}

/** @param {unknown} error */
function isUnreadable(error) {
  return error instanceof Error && "code" in error && error.code === "storage_failed";
}
