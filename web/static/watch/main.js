/**
 * The watch page: a live stream of a room, with how far behind it is and how many watch.
 * `/watch?room=R&stream=S`, with `#token=T` where a token is needed; browsers send fragments to no server.
 * @module
 */

import { LivePlayer, PlayerError } from "./player.js";

const FIGURES_MS = 500;
const VIEWERS_MS = 5_000;

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const video = /** @type {HTMLVideoElement} */ (byId("video"));
const query = new URLSearchParams(location.search);
const token = new URLSearchParams(location.hash.slice(1)).get("token");
const room = query.get("room") ?? "";
const stream = query.get("stream") ?? "";

const address = `/webrtc/hls/${encodeURIComponent(room)}/${encodeURIComponent(stream)}/index.m3u8`;
const player = new LivePlayer(video, token ? `${address}?token=${encodeURIComponent(token)}` : address);
// For those who measure.
Object.assign(window, { plenumPlayer: player });

/** @param {string} words */
function say(words) {
  byId("message").textContent = words;
  byId("message").hidden = words === "";
}

function showFigures() {
  const { latency } = player;
  const live = !player.ended && !player.native;
  byId("live").hidden = !live;
  byId("latency").textContent = latency === null ? "" : `${latency.toFixed(1)} s behind`;
  byId("quality").textContent = player.variants[player.level] ? `${player.variants[player.level].height}p` : "";
  byId("edge").hidden = latency === null || latency < 8;
}

async function showViewers() {
  const { sessionUrl } = player;
  if (!sessionUrl) return;
  const response = await fetch(new URL("viewers.json", sessionUrl), { cache: "no-store" }).catch(() => null);
  if (!response?.ok) return;
  const { viewers } = await response.json();
  byId("viewers").textContent = viewers === 1 ? "1 viewer" : `${viewers} viewers`;
}

player.addEventListener("started", () => {
  say("");
  video.muted = false;
  void video.play().catch(() => {
    video.muted = true;
    byId("unmute").hidden = false;
    void video.play().catch(() => undefined);
  });
  void showViewers();
});
player.addEventListener("finished", () => {
  byId("live").hidden = true;
  say("");
});
byId("unmute").addEventListener("click", () => {
  video.muted = false;
  byId("unmute").hidden = true;
});
byId("edge").addEventListener("click", () => player.goLive());
setInterval(showFigures, FIGURES_MS);
setInterval(() => void showViewers(), VIEWERS_MS);

document.title = room ? `${room}, live` : "Live";
byId("room").textContent = room;
say("Waiting for the stream…");
player.start().catch((error) => {
  const status = error instanceof PlayerError ? error.status : 0;
  say(
    status === 404
      ? "There is no such stream, or it has ended long ago."
      : status === 401 || status === 403
        ? "This stream needs an invitation: open the link that you were given."
        : "The stream cannot be played now. Reload the page to try again.",
  );
});
