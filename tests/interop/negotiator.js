// One peer connection in a page, driven step by step: what a call does to its descriptions, without a network.
window.negotiator = {
  open(configuration) {
    this.pc?.close();
    this.pc = new RTCPeerConnection(configuration ?? { bundlePolicy: "max-bundle" });
    this.channel = null;
    return true;
  },
  videoTrack() {
    const canvas = Object.assign(document.createElement("canvas"), { width: 1280, height: 720 });
    canvas.getContext("2d").fillRect(0, 0, 9, 9);
    return canvas.captureStream(15).getVideoTracks()[0];
  },
  audioTrack() {
    this.audio ??= new AudioContext();
    return this.audio.createMediaStreamDestination().stream.getAudioTracks()[0];
  },
  publish(kind, { rids, codec } = {}) {
    const track = kind === "video" ? this.videoTrack() : this.audioTrack();
    const init = { direction: "sendonly", streams: [new MediaStream([track])] };
    if (rids) init.sendEncodings = rids.map((rid, i) => ({ rid, scaleResolutionDownBy: 2 ** (rids.length - 1 - i) }));
    const transceiver = this.pc.addTransceiver(track, init);
    if (codec) {
      const all = RTCRtpReceiver.getCapabilities(kind).codecs;
      const first = all.filter((c) => c.mimeType.endsWith("/" + codec));
      transceiver.setCodecPreferences([...first, ...all.filter((c) => c.mimeType.endsWith("/rtx"))]);
    }
    return this.pc.getTransceivers().length - 1;
  },
  receive(kinds) {
    for (const kind of kinds) this.pc.addTransceiver(kind, { direction: "recvonly" });
    return true;
  },
  data() {
    this.channel = this.pc.createDataChannel("reliable", { protocol: "plenum-relay" });
    return true;
  },
  direct(index, direction) {
    this.pc.getTransceivers()[index].direction = direction;
    return true;
  },
  stop(index) {
    this.pc.getTransceivers()[index].stop();
    return true;
  },
  async offer(options) {
    await this.pc.setLocalDescription(await this.pc.createOffer(options));
    return this.pc.localDescription.sdp;
  },
  async accept(sdp) {
    await this.pc.setRemoteDescription({ type: "answer", sdp });
    return this.state();
  },
  async answer(sdp) {
    await this.pc.setRemoteDescription({ type: "offer", sdp });
    await this.pc.setLocalDescription(await this.pc.createAnswer());
    return { sdp: this.pc.localDescription.sdp, ...this.state() };
  },
  state() {
    const transceivers = this.pc.getTransceivers().map((t) => ({
      mid: t.mid,
      direction: t.currentDirection,
      stopped: t.currentDirection === "stopped" || t.direction === "stopped",
      kind: t.receiver.track.kind,
      rids: t.sender.getParameters().encodings?.map((e) => e.rid) ?? [],
      codecs: (t.sender.getParameters().codecs ?? []).map((c) => c.mimeType),
      received: (t.receiver.getParameters?.().codecs ?? []).map((c) => c.mimeType),
    }));
    return { signaling: this.pc.signalingState, transceivers, channel: this.channel?.readyState };
  },
};
