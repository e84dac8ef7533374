/**
 * The window and the device around the page.
 * @module
 */

/**
 * Keeps the screen of a phone from going dark during a call.
 * @returns {() => void} Lets it sleep again.
 */
export function keepAwake() {
  /** @type {WakeLockSentinel | null} */
  let lock = null;
  const ask = async () => {
    if (document.visibilityState !== "visible") return;
    lock = (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null;
  };
  document.addEventListener("visibilitychange", ask);
  void ask();
  return () => {
    document.removeEventListener("visibilitychange", ask);
    void lock?.release();
  };
}

/** Into full screen or out of it; does nothing where the browser has none (iPhone). */
export async function toggleFullScreen() {
  if (document.fullscreenElement) await document.exitFullscreen();
  else await document.documentElement.requestFullscreen?.().catch(() => undefined);
}
