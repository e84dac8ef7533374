/**
 * The user's own picture for behind them: made small enough to keep, and kept in this browser only.
 * @module
 */

const KEY = "plenum.background";
const WIDTH_PX = 1280;
const HEIGHT_PX = 720;
const JPEG_QUALITY = 0.85;

/** @returns {string | null} A data URL. */
export function loadOwnImage() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/**
 * @param {File} file
 * @throws {Error} If it is no picture, or cannot be kept.
 */
export async function keepOwnImage(file) {
  const picture = await createImageBitmap(file);
  const canvas = document.createElement("canvas");
  canvas.width = WIDTH_PX;
  canvas.height = HEIGHT_PX;
  const scale = Math.max(WIDTH_PX / picture.width, HEIGHT_PX / picture.height);
  const [width, height] = [picture.width * scale, picture.height * scale];
  canvas.getContext("2d")?.drawImage(picture, (WIDTH_PX - width) / 2, (HEIGHT_PX - height) / 2, width, height);
  picture.close();
  localStorage.setItem(KEY, canvas.toDataURL("image/jpeg", JPEG_QUALITY));
}
