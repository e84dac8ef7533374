/**
 * Files on this device, behind a worker: what is sent is read piece by piece, what arrives is written to the browser's
 * private file system at once, so that a gigabyte never is in memory.
 * @module
 */

import { PlenumError } from "./errors.js";

const FOLDER = "plenum-files";
/** What was left behind by a page that ended is deleted after this. */
const KEEP_MS = 24 * 3_600_000;

/** @typedef {{ resolve: (result: any) => void, reject: (error: PlenumError) => void }} Waiting */

class WorkerCalls {
  constructor() {
    this.worker = new Worker(new URL("./file-worker.js", import.meta.url), { type: "module", name: "plenum-file" });
    this.lastId = 0;
    /** @type {Map<number, Waiting>} */
    this.waiting = new Map();
    this.worker.onmessage = ({ data: { id, result, error } }) => {
      const waiting = this.waiting.get(id);
      this.waiting.delete(id);
      if (error) waiting?.reject(new PlenumError("storage_failed", error, { details: { reason: error } }));
      else waiting?.resolve(result);
    };
    this.worker.onerror = () => this.fail();
  }

  /**
   * @param {string} operation
   * @param {object} [request]
   * @param {Transferable[]} [transfer]
   * @returns {Promise<any>}
   */
  call(operation, request = {}, transfer = []) {
    return new Promise((resolve, reject) => {
      const id = (this.lastId += 1);
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, operation, ...request }, transfer);
    });
  }

  fail() {
    for (const { reject } of this.waiting.values()) reject(new PlenumError("storage_failed"));
    this.waiting.clear();
  }

  end() {
    this.worker.terminate();
    this.fail();
  }
}

/** A file of the user's, being sent. */
export class FileSource {
  /** @param {File} file */
  constructor(file) {
    this.calls = new WorkerCalls();
    this.opened = this.calls.call("openRead", { file });
    this.opened.catch(() => undefined);
  }

  /**
   * @param {number} offset
   * @param {number} length
   * @returns {Promise<Uint8Array>}
   */
  async read(offset, length) {
    return this.calls.call("read", { offset, length });
  }

  /** @returns {Promise<string>} SHA-256 of the whole file, in hex. */
  async digest() {
    return this.calls.call("digest");
  }

  close() {
    this.calls.end();
  }
}

/** A file that arrives. */
export class FileTarget {
  /**
   * @param {string} name In the private file system.
   * @param {number} size
   */
  constructor(name, size) {
    this.name = name;
    this.size = size;
    this.calls = new WorkerCalls();
  }

  /** @returns {Promise<number>} How much of it is here already, from a time before. */
  async open() {
    return this.calls.call("openWrite", { folder: FOLDER, name: this.name, size: this.size });
  }

  /**
   * @param {Uint8Array} piece Belongs to the file from now on.
   * @returns {Promise<number>} How much is written.
   */
  async write(piece) {
    const whole = piece.byteLength === piece.buffer.byteLength ? piece : piece.slice();
    return this.calls.call("write", { piece: whole }, [whole.buffer]);
  }

  /** @returns {Promise<{ checksum: string, file: Blob }>} */
  async finish() {
    const { checksum, blob } = await this.calls.call("finish");
    this.calls.end();
    return { checksum, file: blob ?? (await (await (await folder()).getFileHandle(this.name)).getFile()) };
  }

  /** Stops writing; what is there stays, to go on with it. */
  async close() {
    await Promise.race([this.calls.call("close"), later(1_000)]).catch(() => undefined);
    this.calls.end();
  }

  /** Stops writing and deletes what was written. */
  async discard() {
    await this.close();
    await removeStored(this.name);
  }
}

/**
 * @param {string} name
 * @returns {Promise<void>}
 */
export async function removeStored(name) {
  try {
    await (await folder()).removeEntry(name);
  } catch {
    // Gone already, or never on the disk.
  }
}

/** Deletes what was left behind long ago. */
export async function removeOld() {
  try {
    const directory = await folder();
    for await (const [name, handle] of directory.entries()) {
      const { lastModified } = await /** @type {FileSystemFileHandle} */ (handle).getFile();
      if (Date.now() - lastModified > KEEP_MS) await directory.removeEntry(name);
    }
  } catch {
    // No private file system here, or another page is using the file.
  }
}

/**
 * @param {number} bytes
 * @returns {Promise<boolean>} false only if the browser says that so much does not fit.
 */
export async function fits(bytes) {
  try {
    const { quota = Infinity, usage = 0 } = await navigator.storage.estimate();
    return quota - usage > bytes;
  } catch {
    return true;
  }
}

/** @returns {Promise<FileSystemDirectoryHandle>} */
async function folder() {
  return (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create: true });
}

/** @param {number} ms */
function later(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
