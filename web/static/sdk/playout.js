/**
 * How long received pictures wait before they are shown. Browsers keep that short and know one resend; on a path that
 * loses packets a resend is lost, too, now and then, and the picture stands still until the next one is there. So where
 * packets go on getting lost the wait is made long enough for two, and shortened again when the path is clean.
 * @module
 */

const INTERVAL_MS = 1_000;
/** Resends asked for, per packet received: from here on a path counts as lossy. */
const LOSSY_SHARE = 0.005;
/** What asking and answering take beside the two round trips. */
const MARGIN_MS = 60;
const STEP_MS = 60;
const MOST_MS = 450;
/** A path that has just become narrower loses packets for a moment: to make the picture wait for that only adds to it. */
const LASTING_MS = 3_000;
/** Clean for this long, and the wait becomes shorter. */
const CLEAN_MS = 15_000;

/**
 * @typedef {object} PlayoutFigures Of all received pictures together, since the last look.
 * @property {number} packets
 * @property {number} resendsAsked
 * @property {number} freezes
 * @property {number} rttMs Between this browser and the server.
 */

/**
 * @typedef {object} PlayoutState
 * @property {number} targetMs How long pictures are to wait at least; 0: as the browser thinks best.
 * @property {number} lossyMs For how long packets have been getting lost; what is clean counts half against it.
 * @property {number} cleanMs For how long none was.
 */

/**
 * @param {PlayoutState} state
 * @param {PlayoutFigures} figures
 * @param {number} elapsedMs
 * @returns {PlayoutState}
 */
export function nextPlayout(state, { packets, resendsAsked, freezes, rttMs }, elapsedMs) {
  if (packets > 0 && resendsAsked / packets >= LOSSY_SHARE) {
    const lossyMs = Math.min(LASTING_MS, state.lossyMs + elapsedMs);
    if (lossyMs < LASTING_MS) return { ...state, lossyMs, cleanMs: 0 };
    const needed = Math.max(state.targetMs, 2 * rttMs + MARGIN_MS) + (freezes > 0 && state.targetMs > 0 ? STEP_MS : 0);
    return { targetMs: Math.min(MOST_MS, Math.round(needed)), lossyMs, cleanMs: 0 };
  }
  const lossyMs = Math.max(0, state.lossyMs - elapsedMs / 2);
  const cleanMs = state.cleanMs + elapsedMs;
  if (state.targetMs === 0 || cleanMs < CLEAN_MS) return { ...state, lossyMs, cleanMs };
  const shorter = state.targetMs - STEP_MS;
  // The next step comes soon: what was learned about a path that is clean now is worth little.
  return { targetMs: shorter < STEP_MS ? 0 : shorter, lossyMs, cleanMs: CLEAN_MS / 2 };
}

export class PlayoutKeeper {
  /** @param {RTCPeerConnection} pc */
  constructor(pc) {
    this.pc = pc;
    /** @type {PlayoutState} */
    this.state = { targetMs: 0, lossyMs: 0, cleanMs: 0 };
    this.before = { packets: 0, resendsAsked: 0, freezes: 0 };
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.timer = undefined;
  }

  /** Looks once a second from now on. */
  start() {
    this.timer ??= setInterval(() => void this.#look().catch(() => undefined), INTERVAL_MS);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  async #look() {
    const now = { packets: 0, resendsAsked: 0, freezes: 0 };
    let rttMs = 0;
    (await this.pc.getStats()).forEach((entry) => {
      if (entry.type === "inbound-rtp" && entry.kind === "video") {
        now.packets += entry.packetsReceived ?? 0;
        now.resendsAsked += entry.nackCount ?? 0;
        now.freezes += entry.freezeCount ?? 0;
      } else if (entry.type === "candidate-pair" && entry.nominated) {
        rttMs = Math.max(rttMs, (entry.currentRoundTripTime ?? 0) * 1000);
      }
    });
    const { before } = this;
    this.before = now;
    const figures = {
      packets: now.packets - before.packets,
      resendsAsked: now.resendsAsked - before.resendsAsked,
      freezes: now.freezes - before.freezes,
      rttMs,
    };
    this.state = nextPlayout(this.state, figures, INTERVAL_MS);
    this.#apply();
  }

  /** Sound follows by itself: browsers keep both in sync. */
  #apply() {
    const target = this.state.targetMs || null;
    for (const receiver of this.pc.getReceivers()) {
      if (receiver.track.kind !== "video" || !("jitterBufferTarget" in receiver)) continue;
      if (receiver.jitterBufferTarget !== target) receiver.jitterBufferTarget = target;
    }
  }
}
