// In place of a camera: a drawn person who moves, so that a picture of the page shows people and not a test pattern.
// Runs before the page's own code; PORTRAIT is put in by the script that takes the picture.
(() => {
  const { hue, skin, hair, shirt, phase } = PORTRAIT;
  const canvas = document.createElement("canvas");
  canvas.width = 1280;
  canvas.height = 720;
  const c = canvas.getContext("2d");
  const ellipse = (x, y, rx, ry, fill) => {
    c.fillStyle = fill;
    c.beginPath();
    c.ellipse(x, y, rx, ry, 0, 0, 7);
    c.fill();
  };
  const draw = (now) => {
    const t = now / 1000 + phase;
    const wall = c.createLinearGradient(0, 0, 1280, 720);
    wall.addColorStop(0, `hsl(${hue} 32% 78%)`);
    wall.addColorStop(1, `hsl(${hue + 30} 28% 56%)`);
    c.fillStyle = wall;
    c.fillRect(0, 0, 1280, 720);
    for (let i = 0; i < 4; i++) {
      c.fillStyle = `hsl(${hue + 20 * i} 40% ${62 - 5 * i}%)`;
      c.fillRect(90 + i * 42, 150 + i * 12, 30, 190 - i * 12);
    }
    c.fillStyle = `hsl(${hue} 20% 40%)`;
    c.fillRect(70, 340, 220, 14);
    ellipse(1080, 190, 95, 95, `hsl(${hue + 40} 45% 84%)`);
    const x = 640 + 14 * Math.sin(t), y = 330 + 6 * Math.sin(1.7 * t);
    ellipse(x, y - 40, 152, 178, hair);
    ellipse(x, 800, 330, 300, shirt);
    c.fillStyle = skin;
    c.fillRect(x - 46, y + 110, 92, 90);
    ellipse(x, y, 124, 152, skin);
    c.fillStyle = hair;
    c.beginPath();
    c.ellipse(x, y - 92, 134, 82, 0, Math.PI, 0);
    c.fill();
    const open = t % 4 > 3.85 ? 2 : 13;
    for (const side of [-1, 1]) {
      ellipse(x + side * 46, y - 10, 19, open, "#fff");
      ellipse(x + side * 46 + 4 * Math.sin(t / 2), y - 10, 9, Math.min(open, 9), "#2b2b33");
    }
    ellipse(x, y + 78, 34, 6 + 9 * Math.abs(Math.sin(5 * t)), "#8c3d44");
  };
  const loop = (now) => {
    draw(now);
    requestAnimationFrame(loop);
  };
  requestAnimationFrame(loop);
  const devices = navigator.mediaDevices;
  const original = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (constraints) => {
    if (!constraints?.video) return original(constraints);
    const stream = constraints.audio ? await original({ audio: constraints.audio }) : new MediaStream();
    stream.addTrack(canvas.captureStream(30).getVideoTracks()[0]);
    return stream;
  };
})();
