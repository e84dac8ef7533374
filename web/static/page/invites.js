/**
 * Exchanges an invite for a token of one's own.
 * @module
 */

import { PlenumError } from "../plenum-client.js";

/**
 * @param {string} invite
 * @param {string} displayName
 * @returns {Promise<{ token: string, username: string, room: string }>}
 * @throws {PlenumError}
 */
export async function acceptInvite(invite, displayName) {
  let response;
  try {
    response = await fetch("/webrtc/invites/accept", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ invite, display_name: displayName }),
    });
  } catch {
    throw new PlenumError("unavailable");
  }
  const body = await response.json().catch(() => null);
  if (!response.ok) throw PlenumError.from(body?.error_code ? body : body?.detail);
  return { token: body.token, username: body.username, room: body.room_id };
}
