import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { Connections } from "../../web/static/sdk/connections.js";

/** @param {string[]} started */
const transport = (name, started) => ({ setIceServers: () => undefined, start: () => started.push(name) });

test("who waits for its turn begins then, unless another connection has taken its place meanwhile", (context) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  context.after(() => mock.timers.reset());
  const started = [];
  const connections = new Connections(/** @type {any} */ ({}));
  connections.publishing = /** @type {any} */ (transport("first", started));
  connections.start([], 400);
  assert.deepEqual(started, []);
  connections.publishing = /** @type {any} */ (transport("second", started));
  connections.start([], 800);
  mock.timers.tick(400);
  assert.deepEqual(started, []);
  mock.timers.tick(400);
  assert.deepEqual(started, ["second"]);
});
