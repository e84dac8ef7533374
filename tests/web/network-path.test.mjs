import assert from "node:assert/strict";
import { test } from "node:test";

import { pathOf } from "../../web/static/sdk/network-path.js";
import { PathWatch } from "../../web/static/sdk/path-watch.js";

const server = { candidateType: "host", protocol: "udp", address: "203.0.113.7", port: 10478 };

test("each way has its words", () => {
  const cases = [
    [{ candidateType: "host", protocol: "udp" }, "udp", /UDP/],
    [{ candidateType: "prflx", protocol: "udp" }, "udp", /Directly/],
    [{ candidateType: "host", protocol: "tcp" }, "tcp", /because UDP does not get through/],
    [{ candidateType: "relay", protocol: "udp", relayProtocol: "udp" }, "turn-udp", /TURN/],
    [{ candidateType: "relay", protocol: "udp", relayProtocol: "tcp" }, "turn-tcp", /TURN/],
    [{ candidateType: "relay", protocol: "udp", relayProtocol: "tls" }, "turn-tls", /HTTPS/],
  ];
  for (const [local, kind, words] of cases) {
    const path = pathOf({ currentRoundTripTime: 0.05 }, { address: "10.0.0.2", port: 5, ...local }, server);
    assert.equal(path.kind, kind);
    assert.match(path.words, words);
    assert.equal(path.rttMs, 50);
    assert.equal(path.remote, "host udp 203.0.113.7:10478");
  }
  assert.equal(pathOf(undefined, undefined, undefined), null);
});

test("a path is told once, and again when it is another", async () => {
  const local = { id: "l", type: "local-candidate", candidateType: "host", protocol: "udp", address: "10.0.0.2", port: 5 };
  const pc = {
    connectionState: "connected",
    getStats: async () =>
      new Map([
        ["t", { id: "t", type: "transport", selectedCandidatePairId: "p" }],
        ["p", { id: "p", type: "candidate-pair", localCandidateId: "l", remoteCandidateId: "r" }],
        ["l", { ...local }],
        ["r", { id: "r", type: "remote-candidate", ...server }],
      ]),
  };
  const seen = [];
  const watch = new PathWatch(pc, (path) => seen.push(path.kind));
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  for (const change of [{}, {}, { protocol: "tcp", port: 9 }]) {
    Object.assign(local, change);
    watch.start();
    await settled();
    watch.stop();
  }
  assert.deepEqual(seen, ["udp", "tcp"]);
});
