// Runs in every page before its own scripts. It counts and watches what the page does with WebRTC and WebSockets,
// and can bend the network: `window.__probeSetup` may hold
//   relay: {address, port}   every UDP candidate of the server becomes this one, TCP candidates go (keepTcp: true: stay)
//   onlyTcp: true            UDP candidates of the server go
//   onlyTurn: true           media may go through TURN servers alone
//   pollFirstFrames: true    the moment of each track's first decoded frame is noted
//   hidePatterns: [string]   console noise that is no concern of ours is filtered in Python, not here
(() => {
  if (window.__probe) return;
  const setup = window.__probeSetup ?? {};
  const probe = {
    setup,
    peers: [],
    sockets: [],
    messages: [], // {at, out, type, payload, id, reply_to}
    tracksByMid: {}, // of the latest subscribe offer
    firstFrames: [], // {at, kind, mid, publicationId}
    clicks: [], // {at, label}
    refuseSockets: false,
  };
  window.__probe = probe;
  const MAX_MESSAGES = 5000;

  addEventListener(
    "click",
    (event) => {
      const target = event.target.closest?.("button, a, [role=button]") ?? event.target;
      const label = target.getAttribute?.("aria-label") || target.textContent?.trim().slice(0, 80) || target.tagName;
      probe.clicks.push({ at: performance.now(), label });
    },
    true,
  );
  addEventListener("submit", () => probe.clicks.push({ at: performance.now(), label: "submit" }), true);

  // ---- candidates -------------------------------------------------------------------------------------------------

  function bendCandidate(line) {
    const prefix = line.startsWith("a=") ? "a=" : "";
    const words = line.slice(prefix.length).split(" ");
    const udp = words[2]?.toLowerCase() === "udp";
    if (setup.onlyTcp && udp) return null;
    if (setup.relay) {
      if (!udp) return setup.relay.keepTcp ? line : null;
      words[4] = setup.relay.address;
      words[5] = String(setup.relay.port);
    }
    return prefix + words.join(" ");
  }

  function bendDescription(description) {
    if (!description?.sdp || !(setup.relay || setup.onlyTcp)) return description;
    const lines = [];
    let kept = new Set();
    for (const line of description.sdp.split("\r\n")) {
      if (line.startsWith("m=")) kept = new Set();
      if (!line.startsWith("a=candidate:")) {
        lines.push(line);
        continue;
      }
      const bent = bendCandidate(line);
      // Several addresses of the server become one: the same candidate twice would only be noise.
      const key = bent?.split(" ").slice(2, 6).filter((_, index) => index !== 1).join(" ");
      if (bent && !kept.has(key)) {
        kept.add(key);
        lines.push(bent);
      }
    }
    return { type: description.type, sdp: lines.join("\r\n") };
  }

  function bendConfiguration(configuration) {
    return setup.onlyTurn ? { ...configuration, iceTransportPolicy: "relay" } : configuration;
  }

  // ---- peer connections -------------------------------------------------------------------------------------------

  async function watchFirstFrame(peer, { receiver, transceiver, track }) {
    const deadline = performance.now() + 20_000;
    while (performance.now() < deadline && peer.connectionState !== "closed") {
      for (const entry of (await receiver.getStats()).values()) {
        if (entry.type !== "inbound-rtp") continue;
        const alive = track.kind === "video" ? entry.framesDecoded > 0 : entry.packetsReceived > 0;
        if (!alive) continue;
        const publicationId = probe.tracksByMid[transceiver.mid]?.publication_id ?? null;
        probe.firstFrames.push({ at: performance.now(), kind: track.kind, mid: transceiver.mid, publicationId });
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  const NativePeer = window.RTCPeerConnection;
  class ProbedPeer extends NativePeer {
    constructor(configuration, ...rest) {
      super(bendConfiguration(configuration), ...rest);
      probe.peers.push(this);
      if (setup.pollFirstFrames) this.addEventListener("track", (event) => void watchFirstFrame(this, event));
    }

    setConfiguration(configuration) {
      return super.setConfiguration(bendConfiguration(configuration));
    }

    setRemoteDescription(description, ...rest) {
      return super.setRemoteDescription(bendDescription(description), ...rest);
    }

    addIceCandidate(candidate, ...rest) {
      if (candidate?.candidate && (setup.relay || setup.onlyTcp)) {
        const bent = bendCandidate(candidate.candidate);
        if (!bent) return Promise.resolve();
        candidate = { ...(candidate.toJSON?.() ?? candidate), candidate: bent };
      }
      return super.addIceCandidate(candidate, ...rest);
    }
  }
  window.RTCPeerConnection = ProbedPeer;

  // ---- WebSockets -------------------------------------------------------------------------------------------------

  function note(out, text) {
    if (typeof text !== "string") return;
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      return;
    }
    if (!out && frame.type === "offer" && frame.payload?.transport === "subscribe") {
      probe.tracksByMid = frame.payload.tracks ?? {};
    }
    probe.messages.push({ at: performance.now(), out, ...frame });
    if (probe.messages.length > MAX_MESSAGES) probe.messages.shift();
  }

  const NativeSocket = window.WebSocket;
  class ProbedSocket extends NativeSocket {
    constructor(url, ...rest) {
      // A refused connection, as when the network is away: a port that nobody listens on.
      super(probe.refuseSockets ? "ws://127.0.0.1:9/" : url, ...rest);
      probe.sockets.push(this);
      this.addEventListener("message", ({ data }) => note(false, data));
    }

    send(data) {
      note(true, data);
      return super.send(data);
    }
  }
  window.WebSocket = ProbedSocket;

  // ---- statistics -------------------------------------------------------------------------------------------------

  const INBOUND = [
    "kind", "mid", "ssrc", "trackIdentifier", "packetsReceived", "bytesReceived", "packetsLost", "nackCount", "pliCount",
    "firCount", "framesReceived", "framesDecoded", "framesDropped", "keyFramesDecoded", "framesPerSecond", "frameWidth",
    "frameHeight", "freezeCount", "totalFreezesDuration", "pauseCount", "jitter", "jitterBufferDelay",
    "jitterBufferEmittedCount", "audioLevel", "totalAudioEnergy", "totalSamplesReceived", "concealedSamples", "silentConcealedSamples",
    "retransmittedPacketsReceived", "estimatedPlayoutTimestamp", "lastPacketReceivedTimestamp",
  ];
  const OUTBOUND = [
    "kind", "mid", "ssrc", "rid", "active", "packetsSent", "bytesSent", "framesEncoded", "framesSent",
    "keyFramesEncoded", "framesPerSecond", "frameWidth", "frameHeight", "nackCount", "pliCount", "firCount",
    "retransmittedPacketsSent", "targetBitrate", "qualityLimitationReason", "scalabilityMode",
  ];
  const pick = (entry, names) => Object.fromEntries(names.map((name) => [name, entry[name] ?? null]));

  async function samplePeer(peer, index, out) {
    const report = await peer.getStats();
    const entries = [...report.values()];
    const transport = entries.find((entry) => entry.type === "transport");
    const pair = report.get(transport?.selectedCandidatePairId);
    const local = report.get(pair?.localCandidateId);
    const remote = report.get(pair?.remoteCandidateId);
    out.peers.push({
      peer: index,
      connectionState: peer.connectionState,
      iceState: peer.iceConnectionState,
      srtpCipher: transport?.srtpCipher ?? null,
      dtlsRole: transport?.dtlsRole ?? null,
      tlsVersion: transport?.tlsVersion ?? null,
      protocol: local?.protocol ?? null,
      candidateType: local?.candidateType ?? null,
      remoteAddress: remote ? `${remote.address}:${remote.port}` : null,
      rtt: pair?.currentRoundTripTime ?? null,
      availableOutgoingBitrate: pair?.availableOutgoingBitrate ?? null,
      pairsChanged: transport?.selectedCandidatePairChanges ?? null,
    });
    for (const entry of entries) {
      const codec = report.get(entry.codecId)?.mimeType ?? null;
      if (entry.type === "inbound-rtp") {
        const publication = probe.tracksByMid[entry.mid] ?? null;
        out.inbound.push({ peer: index, id: entry.id, codec, publication, ...pick(entry, INBOUND) });
      } else if (entry.type === "outbound-rtp") {
        const feedback = report.get(entry.remoteId);
        out.outbound.push({
          peer: index, id: entry.id, codec, ...pick(entry, OUTBOUND),
          remoteLost: feedback?.packetsLost ?? null, remoteRtt: feedback?.roundTripTime ?? null,
        });
      }
    }
  }

  probe.sample = async () => {
    const out = { at: performance.now(), peers: [], inbound: [], outbound: [] };
    await Promise.all(
      probe.peers.map((peer, index) => (peer.connectionState === "closed" ? null : samplePeer(peer, index, out))),
    );
    return out;
  };
})();
