/**
 * Watches the elements in which pictures are shown: whether they can be seen, and how large they are.
 * @module
 */

/** An element that is out of sight for less than this has only been moved. */
const HIDE_AFTER_MS = 800;

/**
 * @typedef {object} Watched
 * @property {string} publicationId
 * @property {boolean} onScreen As the browser says; false until it has.
 * @property {boolean} known The browser has said it.
 * @property {number} width CSS pixels.
 * @property {number} height
 * @property {ReturnType<typeof setTimeout> | undefined} hiding
 */

export class TileWatch {
  /** @param {(publicationId: string, seen: { visible: boolean, width?: number, height?: number }) => void} onChange Sizes in device pixels. */
  constructor(onChange) {
    this.onChange = onChange;
    /** @type {Map<Element, Watched>} */
    this.watched = new Map();
    this.intersections = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) this.#seen(target, isIntersecting);
    });
    this.sizes = new ResizeObserver((entries) => {
      for (const { target, contentRect } of entries) this.#resized(target, contentRect);
    });
    this.onVisibility = () => {
      for (const element of this.watched.keys()) this.#tell(element);
    };
    document.addEventListener("visibilitychange", this.onVisibility);
  }

  /**
   * @param {Element} element
   * @param {string} publicationId The publication that is shown in it now.
   */
  watch(element, publicationId) {
    const known = this.watched.get(element);
    if (known?.publicationId === publicationId) return;
    if (known) {
      known.publicationId = publicationId;
      if (known.known) this.#tell(element);
      return;
    }
    this.watched.set(element, { publicationId, onScreen: false, known: false, width: 0, height: 0, hiding: undefined });
    this.intersections.observe(element);
    this.sizes.observe(element);
  }

  /** @param {Element} element */
  unwatch(element) {
    clearTimeout(this.watched.get(element)?.hiding);
    this.watched.delete(element);
    this.intersections.unobserve(element);
    this.sizes.unobserve(element);
  }

  close() {
    for (const { hiding } of this.watched.values()) clearTimeout(hiding);
    this.watched.clear();
    this.intersections.disconnect();
    this.sizes.disconnect();
    document.removeEventListener("visibilitychange", this.onVisibility);
  }

  /**
   * @param {Element} element
   * @param {boolean} onScreen
   */
  #seen(element, onScreen) {
    const one = this.watched.get(element);
    if (!one) return;
    one.onScreen = onScreen;
    one.known = true;
    this.#tell(element);
  }

  /**
   * @param {Element} element
   * @param {{ width: number, height: number }} size
   */
  #resized(element, { width, height }) {
    const one = this.watched.get(element);
    // Without a size it is not shown at all, and which size it had says more about the next time.
    if (!one || width === 0 || height === 0) return;
    one.width = width;
    one.height = height;
    if (one.known) this.#tell(element);
  }

  /** @param {Element} element */
  #tell(element) {
    const one = this.watched.get(element);
    if (!one) return;
    clearTimeout(one.hiding);
    if (!one.onScreen || document.hidden) {
      one.hiding = setTimeout(() => this.onChange(one.publicationId, { visible: false }), HIDE_AFTER_MS);
      return;
    }
    const ratio = globalThis.devicePixelRatio || 1;
    this.onChange(one.publicationId, { visible: true, width: Math.round(one.width * ratio), height: Math.round(one.height * ratio) });
  }
}
