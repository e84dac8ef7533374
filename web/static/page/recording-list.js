/**
 * The recordings of a room: listed, played, downloaded, deleted.
 * @module
 */

import { PlenumError } from "../plenum-client.js";
import { ask } from "./ask.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { duration, fileTitle, readChapters, size, stateOf } from "./recording-words.js";

/** @typedef {import("../sdk/messages.js").RecordingInfo} RecordingInfo */
/** @typedef {import("../sdk/messages.js").RecordingFile} RecordingFile */

export class RecordingList {
  /** @param {{ list: () => Promise<RecordingInfo[]>, remove: (id: string) => Promise<void> }} recordings */
  constructor(recordings) {
    this.recordings = recordings;
    this.problem = h("p", { class: "join-error", role: "alert", hidden: true });
    this.rows = h("ul", { class: "recordings", "data-testid": "recordings" });
    this.player = h("div", { class: "recording-player", hidden: true });
    this.element = h("div", { class: "recording-list" }, this.problem, this.player, this.rows);
  }

  async refresh() {
    try {
      const found = (await this.recordings.list()).slice().reverse();
      this.rows.replaceChildren(...found.map((info) => this.#row(info)));
      if (found.length === 0) this.rows.append(h("li", { class: "quiet" }, "Nothing has been recorded here in the last day."));
      this.problem.hidden = true;
    } catch (error) {
      this.#complain(error);
    }
  }

  /** Ends what is playing. */
  stop() {
    this.player.hidden = true;
    this.player.replaceChildren();
  }

  /** @param {RecordingInfo} info */
  #row(info) {
    const files = (info.files ?? []).filter(({ kind }) => kind === "program" || kind === "track");
    const poster = info.files?.find(({ kind }) => kind === "poster")?.stream_url;
    const over = info.status === "stopped" || info.status === "failed";
    const facts = [stateOf(info), duration(info.duration_s ?? 0), size(info.size_bytes ?? 0)];
    if (!over && info.cpu) facts.push(`${Math.round(info.cpu * 100)} % of a core`, size(info.memory_bytes ?? 0) + " memory");
    return h(
      "li",
      { class: "recording", "data-testid": "recording", "data-status": info.status },
      poster ? h("img", { class: "recording-poster", src: poster, alt: "", loading: "lazy" }) : h("span", { class: "recording-poster" }, icon("record", 28)),
      h(
        "div",
        { class: "recording-words" },
        h("strong", {}, new Date(info.started_at).toLocaleString()),
        h("span", { class: "quiet" }, facts.join(" · ")),
        info.error_message ? h("span", { class: "recording-problem" }, info.error_message) : null,
        h("ul", { class: "recording-files" }, ...files.map((file) => this.#file(info, file))),
      ),
      over && !info.upload_pending
        ? h("button", { type: "button", class: "icon-button", "aria-label": "Delete this recording", onclick: () => void this.#remove(info) }, icon("trash", 19))
        : null,
    );
  }

  /**
   * @param {RecordingInfo} info
   * @param {RecordingFile} file
   */
  #file(info, file) {
    const { stream_url: play, download_url: download } = file;
    return h(
      "li",
      {},
      h("span", {}, fileTitle(file)),
      h("span", { class: "quiet" }, [file.duration_s ? duration(file.duration_s) : "", size(file.size_bytes)].filter(Boolean).join(" · ")),
      play ? h("button", { type: "button", class: "button button-quiet", "data-testid": "play-recording", onclick: () => void this.#play(info, file) }, "Play") : null,
      download ? h("a", { class: "button button-quiet", href: download, download: file.name, "data-testid": "download-recording" }, "Download") : null,
    );
  }

  /**
   * @param {RecordingInfo} info
   * @param {RecordingFile} file
   */
  async #play(info, file) {
    const video = h("video", { src: file.stream_url, controls: true, autoplay: true, playsinline: true, "data-testid": "recording-video" });
    const chapters = h("ol", { class: "chapters", "aria-label": "Chapters" });
    const close = h("button", { type: "button", class: "button button-quiet", onclick: () => this.stop() }, "Close");
    this.player.replaceChildren(video, chapters, close);
    this.player.hidden = false;
    video.addEventListener("error", () => this.#complain(new PlenumError("media_failed")));
    this.player.scrollIntoView({ block: "nearest" });
    const address = file.kind === "program" ? info.files?.find(({ kind }) => kind === "chapters")?.stream_url : null;
    if (!address) return;
    try {
      const marks = readChapters(await (await fetch(address)).text());
      chapters.replaceChildren(
        ...marks.map(({ start, title }) =>
          h("li", {}, h("button", { type: "button", class: "chapter", onclick: () => (video.currentTime = start) }, h("span", { class: "quiet" }, duration(start)), ` ${title}`)),
        ),
      );
    } catch {
      // An object storage that does not let pages read it plays all the same.
    }
  }

  /** @param {RecordingInfo} info */
  async #remove(info) {
    const sure = await ask({ title: "Delete this recording?", text: "All of its files are gone for ever.", confirm: "Delete", danger: true });
    if (!sure) return;
    try {
      await this.recordings.remove(info.recording_id);
    } catch (error) {
      this.#complain(error);
      return;
    }
    await this.refresh();
  }

  /** @param {unknown} error */
  #complain(error) {
    this.problem.textContent = error instanceof PlenumError ? error.sentence : "Something went wrong.";
    this.problem.hidden = false;
  }
}
