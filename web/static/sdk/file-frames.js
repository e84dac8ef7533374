/**
 * What two participants say to each other while a file is on its way: pieces of the file one way, how far it is written
 * the other way. The same frames go over a direct data channel and over the server's relay.
 *
 * A frame: kind (1 byte), length of the transfer's id (1 byte), the id, position in the file (8 bytes, a float64: exact
 * to 2^53), then the piece.
 * @module
 */

/** Bytes of the file in one frame: with all headers it stays under the relay's 64 KiB. */
export const PIECE_BYTES = 60 * 1024;
export const FRAME_PIECE = 1;
/** "I have everything up to this position." */
export const FRAME_WRITTEN = 2;

const MAX_ID = 64;

/**
 * @typedef {object} FileFrame
 * @property {number} kind
 * @property {string} id
 * @property {number} offset
 * @property {Uint8Array} piece Empty unless the kind is FRAME_PIECE.
 */

/**
 * @param {number} kind
 * @param {string} id
 * @param {number} offset
 * @param {Uint8Array} [piece]
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function encodeFileFrame(kind, id, offset, piece = new Uint8Array()) {
  const head = 2 + id.length + 8;
  const frame = new Uint8Array(head + piece.length);
  frame[0] = kind;
  frame[1] = id.length;
  for (let index = 0; index < id.length; index += 1) frame[2 + index] = id.charCodeAt(index);
  new DataView(frame.buffer).setFloat64(2 + id.length, offset);
  frame.set(piece, head);
  return frame;
}

/**
 * @param {ArrayBuffer | Uint8Array} data
 * @returns {FileFrame | null} null for anything that is not a frame: what comes from the network never throws.
 */
export function decodeFileFrame(data) {
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
  const idLength = bytes[1] ?? 0;
  const head = 2 + idLength + 8;
  if (bytes.length < head || idLength === 0 || idLength > MAX_ID) return null;
  const kind = bytes[0];
  if (kind !== FRAME_PIECE && kind !== FRAME_WRITTEN) return null;
  const id = String.fromCharCode(...bytes.subarray(2, 2 + idLength));
  const offset = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(2 + idLength);
  if (!Number.isSafeInteger(offset) || offset < 0) return null;
  return { kind, id, offset, piece: bytes.subarray(head) };
}
