// A participant of the scenario runner against Janus: peer connections alone, the runner does the signaling.
(() => {
  if (window.__janusPeer) return;
  const bench = { publishing: new Map(), subscribing: null };
  window.__janusPeer = bench;

  bench.offer = async ({ name, width, height, frameRate, encodings, gain }) => {
    const video = await navigator.mediaDevices.getUserMedia({ video: { width: { exact: width }, height: { exact: height }, frameRate } });
    const [track] = video.getVideoTracks();
    track.contentHint = "motion";
    const peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    bench.publishing.set(name, peer);
    peer.addTransceiver(tone(gain), { direction: "sendonly" });
    peer.addTransceiver(track, { direction: "sendonly", sendEncodings: encodings });
    await peer.setLocalDescription();
    await gathered(peer);
    return peer.localDescription.sdp;
  };

  bench.accept = (name, sdp) => bench.publishing.get(name).setRemoteDescription({ type: "answer", sdp });

  bench.answer = async (sdp) => {
    const peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    bench.subscribing = peer;
    peer.ontrack = ({ track }) => {
      const element = document.createElement(track.kind);
      element.autoplay = true;
      element.muted = track.kind === "video";
      element.style.width = "32%";
      element.srcObject = new MediaStream([track]);
      document.body.append(element);
      element.play().catch(() => undefined);
    };
    await peer.setRemoteDescription({ type: "offer", sdp });
    await peer.setLocalDescription();
    await gathered(peer);
    return peer.localDescription.sdp;
  };

  function gathered(peer) {
    return new Promise((resolve) => {
      if (peer.iceGatheringState === "complete") resolve();
      peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && resolve();
    });
  }

  function tone(gain) {
    const context = new AudioContext();
    const source = new OscillatorNode(context, { frequency: 300 });
    const level = new GainNode(context, { gain });
    const output = context.createMediaStreamDestination();
    source.connect(level).connect(output);
    source.start();
    void context.resume();
    return output.stream.getAudioTracks()[0];
  }
})();
