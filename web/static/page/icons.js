/**
 * The page's own icons: 24 by 24, drawn with round strokes in the colour of the text.
 * @module
 */

const NAMESPACE = "http://www.w3.org/2000/svg";

/** @type {Record<string, string[]>} A path starting with "!" is filled. */
const PATHS = {
  microphone: ["M12 3.5a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0v-5a3 3 0 0 1 3-3z", "M5.5 11.5a6.5 6.5 0 0 0 13 0", "M12 18v3"],
  "microphone-off": [
    "M9 9v2.5a3 3 0 0 0 4.6 2.5",
    "M15 11V6.5a3 3 0 0 0-5.7-1.3",
    "M5.5 11.5a6.5 6.5 0 0 0 10.6 5",
    "M18.5 11.5a6.5 6.5 0 0 1-.6 2.7",
    "M12 18v3",
    "M4 4l16 16",
  ],
  camera: ["M5 6.5h8.5a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2z", "M15.5 10.7l4.3-2.6a.8.8 0 0 1 1.2.7v6.4a.8.8 0 0 1-1.2.7l-4.3-2.6"],
  "camera-off": [
    "M9.5 6.5h4a2 2 0 0 1 2 2v2.2l4.3-2.6a.8.8 0 0 1 1.2.7v6.4a.8.8 0 0 1-1 .7",
    "M15.2 16.5a2 2 0 0 1-1.7 1H5a2 2 0 0 1-2-2v-7a2 2 0 0 1 1.8-2",
    "M4 4l16 16",
  ],
  screen: ["M4.5 4.5h15a1.5 1.5 0 0 1 1.5 1.5v9a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 15V6a1.5 1.5 0 0 1 1.5-1.5z", "M9 20h6", "M12 13.2V8", "M9.7 10.2L12 7.9l2.3 2.3"],
  "screen-off": ["M4.5 4.5h15a1.5 1.5 0 0 1 1.5 1.5v9a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 15V6a1.5 1.5 0 0 1 1.5-1.5z", "M9 20h6", "M10 8.5l4 4", "M14 8.5l-4 4"],
  chat: ["M6 4.5h12a2.5 2.5 0 0 1 2.5 2.5v7a2.5 2.5 0 0 1-2.5 2.5h-6.5L7 20.5v-4H6A2.5 2.5 0 0 1 3.5 14V7A2.5 2.5 0 0 1 6 4.5z", "M8 9h8", "M8 12.5h5"],
  people: ["M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z", "M2.5 19.5c.5-3.3 3-5 6.5-5s6 1.7 6.5 5", "M15.5 4.9a3.3 3.3 0 0 1 0 6.3", "M18 14.8c2 .7 3.2 2.3 3.5 4.7"],
  grid: ["M4 4.5h6.5V11H4z", "M13.5 4.5H20V11h-6.5z", "M4 14h6.5v5.5H4z", "M13.5 14H20v5.5h-6.5z"],
  speaker: ["M3.5 5h11.5v14H3.5z", "M18 5h2.5v3.5H18z", "M18 10.3h2.5v3.4H18z", "M18 15.5h2.5V19H18z"],
  settings: ["M4 7h9", "M17.5 7H20", "M15.2 9.3a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6z", "M4 17h2.5", "M11 17h9", "M8.8 19.3a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6z"],
  leave: ["M3.3 14.9c-.6-.7-.8-1.6-.5-2.4C4 9.5 7.6 7.7 12 7.7s8 1.8 9.2 4.8c.3.8.1 1.7-.5 2.4l-.9 1c-.4.5-1.1.6-1.7.3l-2.6-1.2a1.3 1.3 0 0 1-.8-1.4l.2-1.4a10 10 0 0 0-5.8 0l.2 1.4c.1.6-.2 1.2-.8 1.4l-2.6 1.2c-.6.3-1.3.2-1.7-.3z"],
  close: ["M6 6l12 12", "M18 6L6 18"],
  send: ["M4.5 12h8", "M4.5 12L3.3 5.3c-.2-.9.7-1.6 1.5-1.2l15 7c.8.4.8 1.5 0 1.9l-15 7c-.8.4-1.7-.4-1.5-1.2z"],
  link: ["M10 14a4 4 0 0 0 5.7 0l3.1-3.1a4 4 0 0 0-5.7-5.7l-1.2 1.2", "M14 10a4 4 0 0 0-5.7 0l-3.1 3.1a4 4 0 0 0 5.7 5.7l1.2-1.2"],
  check: ["M5 12.5l4.5 4.5L19 7.5"],
  pin: ["M9 4h6l-.7 5.5 3.2 3.2v1.8h-11v-1.8l3.2-3.2z", "M12 14.5V20.5"],
  sun: ["M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8z", "M12 2.8v1.7M12 19.5v1.7M2.8 12h1.7M19.5 12h1.7M5.5 5.5l1.2 1.2M17.3 17.3l1.2 1.2M5.5 18.5l1.2-1.2M17.3 6.7l1.2-1.2"],
  moon: ["M19.5 14.2A8 8 0 0 1 9.8 4.5a8 8 0 1 0 9.7 9.7z"],
  sound: ["M4 9.5v5h3.5l4.5 4v-13l-4.5 4z", "M15.5 9a4.2 4.2 0 0 1 0 6", "M18 6.5a7.8 7.8 0 0 1 0 11"],
  warning: ["M12 4.2l8.8 15.3H3.2z", "M12 10v4.2", "M12 16.9v.1"],
  info: ["M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17z", "M12 11.3v4.7", "M12 8v.1"],
  keyboard: ["M4 6.5h16a1.5 1.5 0 0 1 1.5 1.5v8a1.5 1.5 0 0 1-1.5 1.5H4A1.5 1.5 0 0 1 2.5 16V8A1.5 1.5 0 0 1 4 6.5z", "M6.5 10h.1M10 10h.1M13.7 10h.1M17.3 10h.1M8 14h8"],
  hand: ["M8.2 12.2V6a1.45 1.45 0 0 1 2.9 0v5", "M11.1 10.5V4.4a1.45 1.45 0 0 1 2.9 0v6.1", "M14 10.8V6a1.45 1.45 0 0 1 2.9 0v8.2c0 3.7-2.3 6.3-5.8 6.3-2.8 0-4.3-1.3-5.4-3.6l-2-4.2c-.7-1.5 1.2-2.6 2.2-1.3l2.3 2.7"],
  more: ["M5.5 12.6a.6.6 0 1 0 0-1.2.6.6 0 0 0 0 1.2zM12 12.6a.6.6 0 1 0 0-1.2.6.6 0 0 0 0 1.2zM18.500 12.6a.6.6 0 1 0 0-1.2.6.6 0 0 0 0 1.2z"],
  lock: ["M6.5 10.5h11a1.5 1.5 0 0 1 1.5 1.5v7a1.5 1.5 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1 5 19v-7a1.5 1.5 0 0 1 1.5-1.5z", "M8 10.5V7.8a4 4 0 0 1 8 0v2.7"],
  clock: ["M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17z", "M12 7.5V12l3 2.2"],
  door: ["M6 20.5v-15A1.5 1.5 0 0 1 7.5 4h9A1.5 1.5 0 0 1 18 5.5v15", "M3.5 20.5h17", "M14.5 12.3v.1"],
  edit: ["M5 19l.9-3.8L15.6 5.5a1.9 1.9 0 0 1 2.7 0l.2.2a1.9 1.9 0 0 1 0 2.7l-9.7 9.7z", "M13.8 7.3l2.9 2.9"],
  trash: ["M5 7h14", "M9.5 7V5.2A1.2 1.2 0 0 1 10.7 4h2.6a1.2 1.2 0 0 1 1.2 1.2V7", "M7 7l.8 11.6a1.5 1.5 0 0 0 1.5 1.4h5.4a1.5 1.5 0 0 0 1.5-1.4L17 7", "M10.3 10.8v5.4M13.7 10.8v5.4"],
  reply: ["M9.5 6L4 11.5 9.5 17", "M4 11.5h9.5a6 6 0 0 1 6 6V19"],
  file: ["M7 3.5h6.5L18.500 8.5v10.500a1.5 1.5 0 0 1-1.5 1.5H7A1.5 1.5 0 0 1 5.500 19V5A1.5 1.5 0 0 1 7 3.500z", "M13.5 3.700V8.500h4.800"],
  smile: ["M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17z", "M8.5 14.2a4.2 4.2 0 0 0 7 0", "M9.2 9.7v.1M14.8 9.7v.1"],
  image: ["M5.5 4.5h13A1.5 1.5 0 0 1 20 6v12a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 18V6a1.5 1.5 0 0 1 1.5-1.5z", "M9 10.8a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3z", "M4.5 17l4.6-4 3.2 2.7 3.3-3.2 4 3.8"],
  live: ["M12 14.200a2.200 2.200 0 1 0 0-4.400 2.200 2.200 0 0 0 0 4.400z", "M8.200 15.800a5.400 5.400 0 0 1 0-7.600M15.800 8.200a5.400 5.400 0 0 1 0 7.600", "M5.600 18.400a9.100 9.100 0 0 1 0-12.800M18.400 5.600a9.100 9.100 0 0 1 0 12.800"],
  search: ["M10.8 17.2a6.4 6.4 0 1 0 0-12.8 6.4 6.4 0 0 0 0 12.8z", "M15.5 15.5l4.5 4.5"],
  ban: ["M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17z", "M6 6l12 12"],
  "person-remove": ["M10 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z", "M3.5 19.5c.5-3.3 3-5 6.5-5s6 1.7 6.5 5", "M16 9.5h5"],
  "person-blur": ["M12 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z", "M5.500 19.500c.5-3.300 3-5 6.500-5s6 1.700 6.500 5", "M3.500 6v.1M3.500 11v.1M20.500 6v.1M20.500 11v.1M6.500 3.500v.1M17.500 3.500v.1"],
  key: ["M8 16.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8z", "M12 12.5h8.5", "M17.5 12.5v3", "M20.5 12.5v2"],
  crown: ["M4.5 17.5L3.5 8l5 3.7L12 5.5l3.5 6.2 5-3.7-1 9.5z"],
  shield: ["M12 3.8l7 2.5v5c0 4.4-2.9 7.4-7 9-4.1-1.6-7-4.6-7-9v-5z"],
  back: ["M14.5 5.5L8 12l6.5 6.5"],
  down: ["M5.5 9.5L12 16l6.5-6.5"],
  plus: ["M12 5v14M5 12h14"],
  minus: ["M5 12h14"],
  rooms: ["M4 4.5h16v15H4z", "M12 4.5v5M12 13v6.5", "M4 12h3.5M11 12h9"],
  megaphone: ["M4 10v4h3l9 4.5v-13L7 10z", "M19 9.5a3.5 3.5 0 0 1 0 5", "M8 14.5l1.2 4.5"],
  copy: ["M9 9h9.5A1.5 1.5 0 0 1 20 10.5V19a1.5 1.5 0 0 1-1.5 1.5H10A1.5 1.5 0 0 1 8.5 19V9z", "M15.5 6V5A1.5 1.5 0 0 0 14 3.500H5.5A1.5 1.5 0 0 0 4 5v8.500A1.5 1.5 0 0 0 5.500 15h.5"],
  record: ["M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17z", "M12 15.2a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4z"],
  sliders: ["M6 4v6M6 14v6M12 4v3M12 11v9M18 4v9M18 17v3", "M4 12h4M10 9h4M16 15h4"],
};

/**
 * @param {string} name
 * @param {number} [size] CSS pixels.
 * @returns {SVGSVGElement} Hidden from screen readers: the button around it has the words.
 */
export function icon(name, size = 22) {
  const svg = document.createElementNS(NAMESPACE, "svg");
  const attributes = { viewBox: "0 0 24 24", width: size, height: size, "aria-hidden": "true", focusable: "false", class: "icon" };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, String(value));
  for (const path of PATHS[name] ?? []) {
    const element = document.createElementNS(NAMESPACE, "path");
    element.setAttribute("d", path);
    svg.append(element);
  }
  return svg;
}

/**
 * The mark of Plenum: the seats of a chamber, seen from above.
 * @param {number} [size]
 * @returns {SVGSVGElement}
 */
export function mark(size = 28) {
  const svg = document.createElementNS(NAMESPACE, "svg");
  const attributes = { viewBox: "0 0 32 32", width: size, height: size, "aria-hidden": "true", focusable: "false", class: "mark" };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, String(value));
  for (const { radius, seats } of [{ radius: 13, seats: 9 }, { radius: 7.8, seats: 5 }]) {
    for (let seat = 0; seat < seats; seat += 1) {
      const angle = Math.PI * (seat / (seats - 1));
      const circle = document.createElementNS(NAMESPACE, "circle");
      circle.setAttribute("cx", (16 - radius * Math.cos(angle)).toFixed(2));
      circle.setAttribute("cy", (22.5 - radius * Math.sin(angle)).toFixed(2));
      circle.setAttribute("r", "1.9");
      svg.append(circle);
    }
  }
  const centre = document.createElementNS(NAMESPACE, "circle");
  centre.setAttribute("cx", "16");
  centre.setAttribute("cy", "22");
  centre.setAttribute("r", "3");
  centre.setAttribute("class", "mark-centre");
  svg.append(centre);
  return svg;
}
