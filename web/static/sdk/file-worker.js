/**
 * The worker behind one transfer: it reads, or it writes. See file-storage.js for the other side.
 * @module
 */

import { FileReading, FileWriting, MemoryHandle } from "./file-disk.js";

/** Without a private file system a file is kept in memory, up to this size. */
const MAX_IN_MEMORY_BYTES = 256 * 1024 * 1024;

/** @type {FileReading | null} */
let reading = null;
/** @type {FileWriting | null} */
let writing = null;
/** @type {MemoryHandle | null} */
let memory = null;

/** @type {Record<string, (request: any) => Promise<any>>} */
const OPERATIONS = {
  async openRead({ file }) {
    reading = new FileReading(file);
  },
  async read({ offset, length }) {
    return reading?.read(offset, length);
  },
  async digest() {
    return reading?.digest();
  },
  async openWrite({ folder, name, size }) {
    writing = new FileWriting(await openHandle(folder, name, size), size);
    return writing.written;
  },
  async write({ piece }) {
    return writing?.write(piece);
  },
  async finish() {
    const checksum = writing?.finish();
    writing = null;
    return { checksum, blob: memory ? new Blob(memory.pieces) : null };
  },
  async close() {
    writing?.handle.close();
    writing = null;
  },
};

/**
 * @param {string} folder
 * @param {string} name
 * @param {number} size
 * @returns {Promise<import("./file-disk.js").DiskHandle>}
 */
async function openHandle(folder, name, size) {
  try {
    const root = await navigator.storage.getDirectory();
    const directory = await root.getDirectoryHandle(folder, { create: true });
    const file = await directory.getFileHandle(name, { create: true });
    // @ts-expect-error TypeScript knows this method in workers only, and this project is checked as a page.
    return await file.createSyncAccessHandle();
  } catch (error) {
    if (size > MAX_IN_MEMORY_BYTES) throw error;
    memory = new MemoryHandle();
    return memory;
  }
}

// One after the other: a write must never overtake the one before.
let queue = Promise.resolve();
self.onmessage = ({ data }) => {
  queue = queue.then(async () => {
    try {
      const result = await OPERATIONS[data.operation](data);
      const moved = result instanceof Uint8Array ? [result.buffer] : [];
      self.postMessage({ id: data.id, result }, { transfer: moved });
    } catch (error) {
      const full = error instanceof DOMException && error.name === "QuotaExceededError";
      self.postMessage({ id: data.id, error: full ? "no_space" : error instanceof Error ? error.message : String(error) });
    }
  });
};
