// A participant of the scenario runner: the project's own SDK, without the page around it.
(() => {
  if (window.__bench) return;
  const bench = { client: null, publishers: new Map(), tiles: new Map() };
  window.__bench = bench;

  bench.join = async ({ room, token }) => {
    const { PlenumClient } = await import("/static/plenum-client.js");
    const client = new PlenumClient();
    bench.client = client;
    client.on("track-subscribed", (event) => show(event));
    client.on("track-unsubscribed", ({ publication }) => hide(publication.id));
    await client.connect({ room, token, dataRelay: false });
  };

  /**
   * Joins and sends the browser's fake camera and a tone; `gain` 0 is silence. Several may publish from one page. They
   * watch nothing: what is measured is not what they receive.
   */
  bench.publish = async ({ room, token, name, width, height, frameRate, options, gain }) => {
    const { PlenumClient } = await import("/static/plenum-client.js");
    const client = new PlenumClient();
    client.reception.setMode("audio-only");
    bench.publishers.set(name, client);
    await client.connect({ room, token, dataRelay: false });
    const video = await navigator.mediaDevices.getUserMedia({ video: { width: { exact: width }, height: { exact: height }, frameRate } });
    const [track] = video.getVideoTracks();
    track.contentHint = "motion";
    await client.publish(track, "camera", options);
    await client.publish(tone(gain), "microphone", {});
  };

  bench.shareScreen = async ({ name, options }) => {
    const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: 30 } });
    const [track] = stream.getVideoTracks();
    track.contentHint = "detail";
    await bench.publishers.get(name).publish(track, "screen", options);
  };

  function tone(gain) {
    const context = new AudioContext();
    const source = new OscillatorNode(context, { frequency: 300 });
    const wobble = new OscillatorNode(context, { frequency: 3 });
    const level = new GainNode(context, { gain });
    const depth = new GainNode(context, { gain: gain / 2 });
    const output = context.createMediaStreamDestination();
    wobble.connect(depth).connect(level.gain);
    source.connect(level).connect(output);
    source.start();
    wobble.start();
    void context.resume();
    return output.stream.getAudioTracks()[0];
  }

  function show({ track, publication }) {
    const element = document.createElement(track.kind);
    element.autoplay = true;
    element.playsInline = true;
    element.muted = track.kind === "video";
    element.srcObject = new MediaStream([track]);
    grid().append(element);
    element.play().catch(() => undefined);
    bench.tiles.set(publication.id, element);
    if (track.kind === "video") {
      arrange();
      bench.client.reception.watch(element, publication.id);
    }
  }

  function hide(id) {
    const element = bench.tiles.get(id);
    if (!element) return;
    bench.client.reception.unwatch(element);
    element.remove();
    bench.tiles.delete(id);
    arrange();
  }

  function grid() {
    let element = document.getElementById("bench-grid");
    if (!element) {
      element = document.createElement("div");
      element.id = "bench-grid";
      Object.assign(element.style, { position: "fixed", inset: "0", display: "grid", background: "#222", zIndex: "9" });
      document.body.append(element);
    }
    return element;
  }

  function arrange() {
    const videos = [...bench.tiles.values()].filter((one) => one.tagName === "VIDEO");
    const columns = Math.max(1, Math.ceil(Math.sqrt(videos.length)));
    grid().style.gridTemplateColumns = `repeat(${columns}, 1fr)`;
    for (const one of videos) Object.assign(one.style, { width: "100%", height: `${innerHeight / Math.ceil(videos.length / columns)}px`, objectFit: "cover" });
  }

  bench.cameras = () => bench.client.publications.filter(({ source, userId }) => source === "camera" && userId !== bench.client.userId).map(({ id, userId }) => ({ id, userId }));
  bench.setQuality = (quality) => bench.cameras().forEach(({ id }) => bench.client.reception.setQuality(id, quality));
  bench.setMode = (mode) => bench.client.reception.setMode(mode);
  bench.setVisible = (visible) => (grid().style.display = visible ? "grid" : "none");
})();
