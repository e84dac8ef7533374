// A participant of the tests' own: speaks the room protocol and nothing else, so that what the server does can be
// seen apart from what the page does. Loaded as an init script after probe.js.
(() => {
  if (window.__Participant) return;

  const FRAME_HEADER = 2;

  function later(ms) {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  class Participant {
    constructor({ dtlsPassive = false, screenSize = null } = {}) {
      this.options = { dtlsPassive, screenSize };
      this.sequence = 0;
      this.waiting = new Map();
      this.inbox = [];
      this.roomState = null;
      this.mine = new Map(); // source → {transceiver, publicationId}
      this.received = new Map(); // publication_id → {mid, element, track, userId, source}
      this.data = [];
      this.channels = {};
      this.closed = null;
      this.offerQueue = Promise.resolve();
    }

    // ---- signaling ------------------------------------------------------------------------------------------------

    async join(room, token) {
      const scheme = location.protocol === "https:" ? "wss" : "ws";
      const address = `${scheme}://${location.host}/webrtc/ws/${encodeURIComponent(room)}?token=${token}`;
      this.socket = new WebSocket(address);
      this.socket.onmessage = ({ data }) => this.#onFrame(JSON.parse(data));
      const ended = new Promise((_, reject) => {
        this.socket.onclose = ({ code, reason }) => {
          this.closed = { code, reason };
          reject(new Error(`socket closed ${code} ${reason}`));
        };
      });
      ended.catch(() => undefined);
      await Promise.race([this.waitFor((frame) => frame.type === "room-state"), ended]);
      this.beat = setInterval(() => this.send("heartbeat", {}), this.roomState.heartbeat_interval_ms ?? 10_000);
      return this.roomState;
    }

    send(type, payload, id) {
      if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(id ? { type, payload, id } : { type, payload }));
    }

    request(type, payload, timeoutMs = 10_000) {
      const id = `r${++this.sequence}`;
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`no reply to ${type}`)), timeoutMs);
        this.waiting.set(id, (frame) => {
          clearTimeout(timer);
          if (frame.type === "error") reject(new Error(`${type}: ${frame.payload.error_code}: ${frame.payload.message}`));
          else resolve(frame);
        });
        this.send(type, payload, id);
      });
    }

    async waitFor(condition, timeoutMs = 10_000) {
      const deadline = performance.now() + timeoutMs;
      let seen = 0;
      while (performance.now() < deadline) {
        for (; seen < this.inbox.length; seen += 1) if (condition(this.inbox[seen])) return this.inbox[seen];
        if (this.closed) throw new Error(`socket closed ${this.closed.code}`);
        await later(10);
      }
      throw new Error("timeout while waiting for a message");
    }

    #onFrame(frame) {
      this.inbox.push(frame);
      if (frame.type === "room-state") this.roomState = frame.payload;
      if (frame.reply_to && this.waiting.has(frame.reply_to)) {
        this.waiting.get(frame.reply_to)(frame);
        this.waiting.delete(frame.reply_to);
      }
      if (frame.type === "offer" && frame.payload.transport === "subscribe") {
        this.offerQueue = this.offerQueue.then(() => this.#onOffer(frame.payload)).catch((error) => console.error(String(error)));
      }
    }

    // ---- publish transport ----------------------------------------------------------------------------------------

    #publishPeer() {
      if (!this.publishing) {
        this.publishing = new RTCPeerConnection({ bundlePolicy: "max-bundle", iceServers: [] });
      }
      return this.publishing;
    }

    async publish(source, { track = null, codec = null, encodings = null, ...capture } = {}) {
      const media = track ?? (await captureTrack(source, { screenSize: this.options.screenSize, ...capture }));
      const peer = this.#publishPeer();
      const free = peer.getTransceivers().find(
        (one) => one.direction === "inactive" && !one.stopped && one.receiver.track.kind === media.kind && !one.sender.track,
      );
      let transceiver = free;
      if (free) {
        await free.sender.replaceTrack(media);
        free.direction = "sendonly";
      } else {
        transceiver = peer.addTransceiver(media, { direction: "sendonly", ...(encodings ? { sendEncodings: encodings } : {}) });
      }
      if (codec) {
        const all = RTCRtpSender.getCapabilities(media.kind).codecs;
        const wanted = all.filter(({ mimeType }) => mimeType.toLowerCase() === codec.toLowerCase() || /rtx$/.test(mimeType));
        transceiver.setCodecPreferences(wanted);
      }
      this.mine.set(source, { transceiver, track: media, publicationId: null });
      await this.negotiate();
      return this.mine.get(source).publicationId;
    }

    async unpublish(source) {
      const own = this.mine.get(source);
      this.mine.delete(source);
      own.track.stop();
      await own.transceiver.sender.replaceTrack(null);
      own.transceiver.direction = "inactive";
      await this.negotiate();
    }

    /** A camera that is switched off as cheap clients do it: the track stays, the sender sends nothing. */
    async setSending(source, sending) {
      const own = this.mine.get(source);
      await own.transceiver.sender.replaceTrack(sending ? own.track : null);
    }

    async openData() {
      const peer = this.#publishPeer();
      const opened = ["reliable", "lossy"].map((label) => {
        const options = label === "reliable" ? {} : { ordered: false, maxRetransmits: 0 };
        const channel = peer.createDataChannel(label, { protocol: "plenum-relay", ...options });
        channel.binaryType = "arraybuffer";
        channel.onmessage = ({ data }) => this.data.push({ label, ...decodeFrame(data) });
        this.channels[label] = channel;
        return new Promise((resolve) => (channel.onopen = resolve));
      });
      await this.negotiate();
      await Promise.race([Promise.all(opened), later(8000).then(() => Promise.reject(new Error("data channels stay closed")))]);
    }

    sendData(label, text, { to = null, topic = "test" } = {}) {
      const header = new TextEncoder().encode(JSON.stringify(to ? { to, topic } : { topic }));
      const body = new TextEncoder().encode(text);
      const frame = new Uint8Array(FRAME_HEADER + header.length + body.length);
      new DataView(frame.buffer).setUint16(0, header.length);
      frame.set(header, FRAME_HEADER);
      frame.set(body, FRAME_HEADER + header.length);
      this.channels[label].send(frame);
    }

    async negotiate({ iceRestart = false } = {}) {
      const peer = this.publishing;
      await peer.setLocalDescription(await peer.createOffer({ iceRestart }));
      const tracks = {};
      for (const [source, { transceiver }] of this.mine) tracks[transceiver.mid] = { source };
      let { sdp } = peer.localDescription;
      // Only on the wire: the browser itself stays willing to be either.
      if (this.options.dtlsPassive) sdp = sdp.replaceAll("a=setup:actpass", "a=setup:passive");
      const { payload } = await this.request("offer", { transport: "publish", sdp, tracks });
      await peer.setRemoteDescription({ type: "answer", sdp: payload.sdp });
      for (const publication of payload.publications ?? []) {
        const own = this.mine.get(publication.source);
        if (own) own.publicationId = publication.publication_id;
      }
      return payload;
    }

    // ---- subscribe transport --------------------------------------------------------------------------------------

    async #onOffer({ sdp, tracks }) {
      if (!this.subscribing) {
        this.subscribing = new RTCPeerConnection({ bundlePolicy: "max-bundle", iceServers: [] });
      }
      const peer = this.subscribing;
      const offered = this.options.dtlsPassive ? sdp.replaceAll("a=setup:actpass", "a=setup:active") : sdp;
      await peer.setRemoteDescription({ type: "offer", sdp: offered });
      this.#reconcile(tracks ?? {});
      await peer.setLocalDescription();
      this.send("answer", { transport: "subscribe", sdp: peer.localDescription.sdp });
    }

    #reconcile(tracks) {
      const live = new Set(Object.values(tracks).map(({ publication_id: id }) => id));
      for (const [id, entry] of this.received) {
        if (live.has(id)) continue;
        entry.element.srcObject = null;
        entry.element.remove();
        this.received.delete(id);
      }
      for (const transceiver of this.subscribing.getTransceivers()) {
        const described = tracks[transceiver.mid];
        if (!described || this.received.has(described.publication_id)) continue;
        const { track } = transceiver.receiver;
        const element = document.createElement(track.kind);
        element.autoplay = true;
        element.playsInline = true;
        element.style.width = "160px";
        // Sound is decoded and measured by Chromium only while it plays in an element that is not muted.
        element.muted = false;
        element.srcObject = new MediaStream([track]);
        (document.body ?? document.documentElement).append(element);
        element.play?.().catch(() => undefined);
        this.received.set(described.publication_id, {
          mid: transceiver.mid, element, track, userId: described.user_id, source: described.source,
        });
      }
    }

    receivedList() {
      return [...this.received].map(([id, { mid, userId, source, element, track }]) => ({
        id, mid, userId, source, kind: track.kind, width: element.videoWidth ?? 0, height: element.videoHeight ?? 0,
      }));
    }

    /** The strongest frequency of what arrives from a publication, and its level in dB. */
    async toneOf(publicationId, ms = 600) {
      const { track } = this.received.get(publicationId);
      const context = new AudioContext();
      const analyser = context.createAnalyser();
      analyser.fftSize = 8192;
      analyser.smoothingTimeConstant = 0;
      context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
      await context.resume();
      await later(ms);
      const bins = new Float32Array(analyser.frequencyBinCount);
      analyser.getFloatFrequencyData(bins);
      let best = 1;
      for (let index = 1; index < bins.length; index += 1) if (bins[index] > bins[best]) best = index;
      const tone = { hz: (best * context.sampleRate) / analyser.fftSize, level: bins[best] };
      await context.close();
      return tone;
    }

    restartIce(transport) {
      return transport === "publish" ? this.negotiate({ iceRestart: true }) : this.request("ice-restart", { transport });
    }

    async leave() {
      clearInterval(this.beat);
      this.send("leave", {});
      await later(50);
      this.drop();
    }

    /** Gone without a word. */
    drop() {
      clearInterval(this.beat);
      this.socket.close();
      this.publishing?.close();
      this.subscribing?.close();
      for (const { track } of this.mine.values()) track.stop();
    }
  }

  function decodeFrame(data) {
    const bytes = new Uint8Array(data);
    const length = new DataView(data).getUint16(0);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(FRAME_HEADER, FRAME_HEADER + length)));
    return { header, text: new TextDecoder().decode(bytes.subarray(FRAME_HEADER + length)) };
  }

  async function captureTrack(source, { toneHz = null, width = 640, height = 360, frameRate = 20, screenSize = null }) {
    if (source === "camera") {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { width, height, frameRate } });
      return stream.getVideoTracks()[0];
    }
    if (source === "screen") {
      const video = screenSize ? { width: screenSize[0], height: screenSize[1], frameRate } : { frameRate };
      const stream = await navigator.mediaDevices.getDisplayMedia({ video, audio: false });
      return stream.getVideoTracks()[0];
    }
    if (toneHz) return makeTone(toneHz);
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    return (await navigator.mediaDevices.getUserMedia({ audio })).getAudioTracks()[0];
  }

  function makeTone(hz) {
    const context = new AudioContext();
    const oscillator = context.createOscillator();
    const gain = context.createGain();
    const output = context.createMediaStreamDestination();
    oscillator.frequency.value = hz;
    gain.gain.value = 0.4;
    oscillator.connect(gain).connect(output);
    oscillator.start();
    void context.resume();
    return output.stream.getAudioTracks()[0];
  }

  window.__Participant = Participant;
})();
