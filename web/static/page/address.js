/**
 * What the address of the page says, and how an invite link is made.
 * @module
 */

/**
 * @typedef {object} Address
 * @property {string} room
 * @property {string | null} invite A JWT that can be exchanged for a token.
 * @property {string | null} token A participant's own JWT.
 * @property {string} name
 * @property {boolean} autojoin
 * @property {boolean} recordings Show the room's recordings instead of the room.
 * @property {boolean} camera Join with the camera on.
 * @property {boolean} microphone
 * @property {string | null} quality
 * @property {number} framerate
 * @property {boolean} processing Echo cancellation, noise suppression, gain control.
 */

/**
 * @param {string} href
 * @returns {Address}
 */
export function parseAddress(href) {
  const url = new URL(href);
  const query = url.searchParams;
  const hash = new URLSearchParams(url.hash.slice(1));
  const token = hash.get("token");
  const invite = hash.get("invite");
  const claims = readClaims(token ?? invite ?? "");
  const framerate = Number(query.get("fps"));
  return {
    room: query.get("room") || (typeof claims?.room === "string" ? claims.room : ""),
    invite,
    token,
    name: query.get("name") ?? "",
    recordings: isOn(query.get("recordings"), false),
    autojoin: isOn(query.get("autojoin"), false),
    camera: isOn(query.get("camera"), true),
    microphone: isOn(query.get("microphone"), true),
    quality: query.get("quality"),
    framerate: framerate >= 1 && framerate <= 60 ? framerate : 30,
    processing: isOn(query.get("processing"), true),
  };
}

/**
 * @param {string | null} value
 * @param {boolean} otherwise
 */
function isOn(value, otherwise) {
  if (value === null) return otherwise;
  return !["0", "false", "no", "off"].includes(value.toLowerCase());
}

/**
 * @param {string} origin
 * @param {string} room
 * @param {string} invite
 * @returns {string}
 */
export function inviteLink(origin, room, invite) {
  return `${origin}/?${new URLSearchParams({ room })}#${new URLSearchParams({ invite })}`;
}

/**
 * Reads a JWT's claims without checking them: good for showing a name, never for a decision.
 * @param {string} jwt
 * @returns {Record<string, unknown> | null}
 */
export function readClaims(jwt) {
  const body = jwt.split(".")[1];
  if (!body) return null;
  try {
    const binary = atob(body.replace(/-/g, "+").replace(/_/g, "/"));
    const claims = JSON.parse(new TextDecoder().decode(Uint8Array.from(binary, (char) => char.charCodeAt(0))));
    return typeof claims === "object" && claims !== null && !Array.isArray(claims) ? claims : null;
  } catch {
    return null;
  }
}

/**
 * @param {string | null} jwt
 * @param {number} nowMs Unix time.
 * @returns {boolean} Whether the token looks usable for some more seconds.
 */
export function stillValid(jwt, nowMs) {
  const exp = jwt ? readClaims(jwt)?.exp : null;
  return typeof exp === "number" && exp * 1000 > nowMs + 5_000;
}
