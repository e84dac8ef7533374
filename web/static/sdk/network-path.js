/**
 * Which way sound and picture take between this browser and the server, in a word and in words.
 * @module
 */

/** @typedef {"udp" | "tcp" | "turn-udp" | "turn-tcp" | "turn-tls"} PathKind */
/** @typedef {{ kind: PathKind, words: string, local: string, remote: string, rttMs: number | null }} NetworkPath */

/** @type {Record<PathKind, string>} */
const WORDS = {
  udp: "Directly to the server over UDP, the fastest way",
  tcp: "Directly to the server over TCP, because UDP does not get through this network",
  "turn-udp": "Through a TURN relay over UDP, because the server cannot be reached directly",
  "turn-tcp": "Through a TURN relay over TCP, because this network lets neither UDP nor the server's ports through",
  "turn-tls": "Through a TURN relay over TLS, because this network lets only HTTPS through",
};

/**
 * @param {any} pair The selected candidate pair of getStats().
 * @param {any} local Its local candidate.
 * @param {any} remote Its remote candidate.
 * @returns {NetworkPath | null} null while there is none.
 */
export function pathOf(pair, local, remote) {
  if (!pair || !local) return null;
  const kind = kindOf(local);
  return {
    kind,
    words: WORDS[kind],
    local: `${local.candidateType} ${local.protocol} ${place(local)}`,
    remote: remote ? `${remote.candidateType} ${remote.protocol} ${place(remote)}` : "",
    rttMs: typeof pair.currentRoundTripTime === "number" ? pair.currentRoundTripTime * 1000 : null,
  };
}

/**
 * @param {any} local
 * @returns {PathKind}
 */
function kindOf({ candidateType, protocol, relayProtocol }) {
  if (candidateType !== "relay") return protocol === "tcp" ? "tcp" : "udp";
  if (relayProtocol === "tls") return "turn-tls";
  return relayProtocol === "tcp" ? "turn-tcp" : "turn-udp";
}

/** @param {any} candidate */
function place({ address, ip, port }) {
  return `${address ?? ip ?? "?"}:${port ?? "?"}`;
}
