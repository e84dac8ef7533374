/**
 * A file being read, and one being written, each with its checksum. Runs in a worker (file-worker.js): neither hashing nor
 * the disk may hold up the page.
 * @module
 */

import { Sha256 } from "./sha256.js";

const HASH_BLOCK = 1024 * 1024;

/** Reads pieces in any order; the checksum is that of the file from its beginning, whatever was read. */
export class FileReading {
  /** @param {Blob} file */
  constructor(file) {
    this.file = file;
    this.hash = new Sha256();
  }

  /**
   * @param {number} offset
   * @param {number} length
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   * @throws {DOMException} If the file has changed or gone since it was chosen.
   */
  async read(offset, length) {
    await this.#hashUpTo(offset);
    const bytes = await this.#bytes(offset, length);
    const known = this.hash.length - offset;
    if (known < bytes.length) this.hash.update(bytes.subarray(known));
    return bytes;
  }

  /** @returns {Promise<string>} */
  async digest() {
    await this.#hashUpTo(this.file.size);
    return this.hash.digest();
  }

  /**
   * What was passed over because the other side has it already counts for the checksum too.
   * @param {number} end
   */
  async #hashUpTo(end) {
    while (this.hash.length < end) {
      const at = this.hash.length;
      this.hash.update(await this.#bytes(at, Math.min(HASH_BLOCK, end - at)));
    }
  }

  /**
   * @param {number} offset
   * @param {number} length
   */
  async #bytes(offset, length) {
    return new Uint8Array(await this.file.slice(offset, offset + length).arrayBuffer());
  }
}

/**
 * What a browser gives for a file of its private file system: the part that is needed.
 * @typedef {object} DiskHandle
 * @property {() => number} getSize
 * @property {(bytes: Uint8Array, options: { at: number }) => number} read
 * @property {(bytes: Uint8Array, options: { at: number }) => number} write
 * @property {(size: number) => void} truncate
 * @property {() => void} flush
 * @property {() => void} close
 */

/** Writes pieces one after the other. A file that was begun before goes on where it ended. */
export class FileWriting {
  /**
   * @param {DiskHandle} handle
   * @param {number} size Of the whole file.
   */
  constructor(handle, size) {
    this.handle = handle;
    this.hash = new Sha256();
    if (handle.getSize() > size) handle.truncate(0);
    const block = new Uint8Array(HASH_BLOCK);
    for (let read = 1; read > 0; ) {
      read = handle.read(block, { at: this.hash.length });
      this.hash.update(block.subarray(0, read));
    }
  }

  /** @returns {number} */
  get written() {
    return this.hash.length;
  }

  /**
   * @param {Uint8Array} bytes
   * @returns {number} How much is written now.
   * @throws {Error} `no_space` if the disk is full.
   */
  write(bytes) {
    if (this.handle.write(bytes, { at: this.written }) !== bytes.length) throw new Error("no_space");
    this.hash.update(bytes);
    return this.written;
  }

  /** @returns {string} The checksum; nothing can be written any more. */
  finish() {
    this.handle.flush();
    this.handle.close();
    return this.hash.digest();
  }
}

/** Stands in where a browser has no private file system, for files that are not too large. */
export class MemoryHandle {
  constructor() {
    /** @type {Uint8Array<ArrayBuffer>[]} */
    this.pieces = [];
    this.size = 0;
  }

  getSize() {
    return this.size;
  }

  read() {
    return 0;
  }

  /** @param {Uint8Array} bytes */
  write(bytes) {
    this.pieces.push(new Uint8Array(bytes));
    this.size += bytes.length;
    return bytes.length;
  }

  truncate() {
    this.pieces = [];
    this.size = 0;
  }

  flush() {}

  close() {}
}
