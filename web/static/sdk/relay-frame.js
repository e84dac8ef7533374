/**
 * Frames of the data channel relay: a 16-bit big-endian header length, the header as JSON in UTF-8, the payload.
 * @module
 */

export const MAX_FRAME_BYTES = 65_536;
export const RELAY_PROTOCOL = "plenum-relay";

/**
 * @param {{ to?: string[], topic?: string, from?: string }} header
 * @param {Uint8Array} payload
 * @returns {Uint8Array<ArrayBuffer>}
 * @throws {RangeError} If the frame would exceed 64 KiB.
 */
export function encodeFrame(header, payload) {
  const head = new TextEncoder().encode(JSON.stringify(header));
  const length = 2 + head.length + payload.length;
  if (head.length > 0xffff || length > MAX_FRAME_BYTES) {
    throw new RangeError(`a relay frame may have ${MAX_FRAME_BYTES} bytes, this one has ${length}`);
  }
  const frame = new Uint8Array(length);
  frame[0] = head.length >> 8;
  frame[1] = head.length & 0xff;
  frame.set(head, 2);
  frame.set(payload, 2 + head.length);
  return frame;
}

/**
 * @param {ArrayBuffer | Uint8Array} data
 * @returns {{ header: { from: string, topic: string, to: string[] | null }, payload: Uint8Array } | null}
 *   null for anything that is not a frame: what comes from the network never throws.
 */
export function decodeFrame(data) {
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
  if (bytes.length < 2) return null;
  const end = 2 + ((bytes[0] << 8) | bytes[1]);
  if (end > bytes.length) return null;
  let header;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(2, end)));
  } catch {
    return null;
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) return null;
  return {
    header: {
      from: typeof header.from === "string" ? header.from : "",
      topic: typeof header.topic === "string" ? header.topic : "",
      to: Array.isArray(header.to) ? header.to.filter((/** @type {unknown} */ name) => typeof name === "string") : null,
    },
    payload: bytes.slice(end),
  };
}

/**
 * @param {string | ArrayBuffer | ArrayBufferView | object} data Text, bytes, or anything JSON can hold.
 * @returns {Uint8Array}
 */
export function toBytes(data) {
  if (typeof data === "string") return new TextEncoder().encode(data);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new TextEncoder().encode(JSON.stringify(data));
}
