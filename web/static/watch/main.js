/**
 * The watch page: a live stream of a room, with how far behind it is and how many watch.
 * `/watch?room=R&stream=S`, with `#token=T` where a token is needed; browsers send fragments to no server.
 * @module
 */

import { LivePlayer } from "./player.js";
import { clockAhead, stateWords } from "./words.js";

/** @typedef {import("./words.js").StreamState} StreamState */

const FIGURES_MS = 500;
const VIEWERS_MS = 5_000;
const LOOK_AGAIN_MS = 2_000;
const FAR_BEHIND_S = 8;

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const video = /** @type {HTMLVideoElement} */ (byId("video"));
const query = new URLSearchParams(location.search);
const token = new URLSearchParams(location.hash.slice(1)).get("token");
const room = query.get("room") ?? "";
const stream = query.get("stream") ?? "";
const folder = `/webrtc/hls/${encodeURIComponent(room)}/${encodeURIComponent(stream)}`;
const suffix = token ? `?token=${encodeURIComponent(token)}` : "";

/** @type {LivePlayer | null} */
let player = null;
/** Which attempt to play is the one that counts. */
let turn = 0;

/**
 * @param {{ words: string, more?: string, busy?: boolean, replay?: boolean } | null} message Null: the picture speaks.
 */
function say(message) {
  byId("message").hidden = message === null;
  byId("words").textContent = message?.words ?? "";
  byId("more").textContent = message?.more ?? "";
  byId("busy").hidden = !message?.busy;
  byId("replay").hidden = !message?.replay;
}

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** @returns {Promise<{ state: StreamState, clockAheadMs: number }>} How the stream is; asking never fails. */
async function look() {
  const askedAt = Date.now();
  try {
    const response = await fetch(`${folder}/state.json${suffix}`, { cache: "no-store", referrerPolicy: "no-referrer" });
    if (!response.ok) return { state: "away", clockAheadMs: 0 };
    const { state, now_ms: serverMs } = await response.json();
    return { state, clockAheadMs: clockAhead(serverMs, askedAt, Date.now()) };
  } catch {
    return { state: "away", clockAheadMs: 0 };
  }
}

/**
 * Play as soon as there is something to play, and again after whatever goes wrong.
 * @param {number | null} from Where to begin in a stream that has ended, in milliseconds since 1970.
 */
async function watch(from) {
  const mine = (turn += 1);
  let tries = 0;
  while (mine === turn) {
    const { state, clockAheadMs } = await look();
    if (mine !== turn) return;
    if (state !== "live" && state !== "ended") {
      say(stateWords(state));
      if (state === "none" || state === "closed") return;
      await pause(LOOK_AGAIN_MS);
      continue;
    }
    try {
      await play(clockAheadMs, from);
      return;
    } catch (error) {
      if (mine !== turn) return;
      console.info("the picture is lost:", error);
      from = player?.shownAt ?? from;
      say({ words: "The picture is interrupted.", more: "It comes back by itself.", busy: true });
      tries += 1;
      await pause(Math.min(5_000, 300 * 2 ** tries));
    }
  }
}

/**
 * @param {number} clockAheadMs
 * @param {number | null} from
 */
async function play(clockAheadMs, from) {
  player?.close();
  player = new LivePlayer(video, `${folder}/index.m3u8${suffix}`, { clockAheadMs, from });
  // For those who measure.
  Object.assign(window, { plenumPlayer: player });
  player.addEventListener("started", () => {
    say(null);
    void video.play().catch(() => {
      video.muted = true;
      byId("unmute").hidden = false;
      void video.play().catch(() => undefined);
    });
    void showViewers();
  });
  await player.start();
}

function showFigures() {
  if (!player) return;
  const { latency, live, native } = player;
  byId("live").hidden = !live;
  byId("over").hidden = live || native || player.shownAt === null;
  byId("latency").textContent = latency === null ? "" : `${Math.max(0, latency).toFixed(1)} s behind`;
  const variant = player.variants[player.level];
  byId("quality").textContent = variant ? `${variant.height}p` : "";
  byId("edge").hidden = latency === null || latency < FAR_BEHIND_S;
}

async function showViewers() {
  const sessionUrl = player?.sessionUrl;
  if (!sessionUrl) return;
  const response = await fetch(new URL("viewers.json", sessionUrl), { cache: "no-store" }).catch(() => null);
  if (!response?.ok) return;
  const { viewers } = await response.json();
  byId("viewers").textContent = viewers === 1 ? "1 viewer" : `${viewers} viewers`;
}

video.addEventListener("ended", () => say({ words: "The stream has ended.", replay: true }));
video.addEventListener("play", () => player?.ended && say(null));
video.addEventListener("seeking", () => player?.ended && say(null));
byId("unmute").addEventListener("click", () => {
  video.muted = false;
  byId("unmute").hidden = true;
});
byId("edge").addEventListener("click", () => player?.goLive());
byId("replay").addEventListener("click", () => void watch(null));
addEventListener("online", () => byId("message").hidden || void watch(player?.shownAt ?? null));
setInterval(showFigures, FIGURES_MS);
setInterval(() => document.hidden || void showViewers(), VIEWERS_MS);

document.title = room ? `${room}, live` : "Live";
byId("room").textContent = room;
say(stateWords("waiting"));
void watch(null);
