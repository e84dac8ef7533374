/**
 * A logo of any picture file: a small PNG, as the server takes it.
 * @module
 */

const LARGEST = { width: 320, height: 160 };
/** Base64 characters that the server takes. */
const MOST_CHARACTERS = 120_000;

/**
 * @param {Blob} file
 * @returns {Promise<string>} A PNG file in Base64.
 * @throws {Error} The browser cannot read the file.
 */
export async function logoFrom(file) {
  const picture = await createImageBitmap(file);
  try {
    for (let scale = Math.min(1, LARGEST.width / picture.width, LARGEST.height / picture.height); scale > 0.01; scale *= 0.7) {
      const text = drawn(picture, scale);
      if (text.length <= MOST_CHARACTERS) return text;
    }
  } finally {
    picture.close();
  }
  throw new Error("the picture cannot be made small enough");
}

/**
 * @param {ImageBitmap} picture
 * @param {number} scale
 */
function drawn(picture, scale) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/png").split(",")[1];
}
