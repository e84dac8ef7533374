/**
 * REST calls to the room's server, with the participant's token and the error model.
 * @module
 */

import { PlenumError } from "./errors.js";

export class RestCaller {
  /**
   * @param {() => { origin: string, room: string, token: string }} place Where the calls go, and who makes them.
   */
  constructor(place) {
    this.place = place;
  }

  /**
   * @param {string} method
   * @param {string} path Below the room, such as `/settings`.
   * @param {object | Blob} [body] An object travels as JSON, a Blob as it is.
   * @param {AbortSignal} [signal]
   * @returns {Promise<any>} The JSON of the answer.
   * @throws {PlenumError}
   */
  async call(method, path, body, signal) {
    const { room } = this.place();
    const response = await this.#fetch(method, `/webrtc/rooms/${encodeURIComponent(room)}${path}`, body, signal);
    return response.json().catch(() => null);
  }

  /**
   * @param {string} path A whole path at the server, as messages name it.
   * @returns {Promise<Blob>}
   * @throws {PlenumError}
   */
  async blob(path) {
    return (await this.#fetch("GET", path)).blob();
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object | Blob} [body]
   * @param {AbortSignal} [signal]
   */
  async #fetch(method, path, body, signal) {
    const { origin, token } = this.place();
    const url = new URL(path, origin);
    // A path from a message may not lead the token to another server.
    if (url.origin !== new URL(origin).origin) throw new PlenumError("invalid_message");
    /** @type {Record<string, string>} */
    const headers = { authorization: `Bearer ${token}` };
    const raw = body instanceof Blob;
    if (body) headers["content-type"] = raw ? body.type || "application/octet-stream" : "application/json";
    let response;
    try {
      response = await fetch(url, { method, headers, body: body && !raw ? JSON.stringify(body) : body, signal });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new PlenumError("unavailable");
    }
    if (!response.ok) throw PlenumError.from(await response.json().catch(() => null));
    return response;
  }
}
