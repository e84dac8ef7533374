import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const WEB = join(dirname(fileURLToPath(import.meta.url)), "../../web");
const STATIC = join(WEB, "static");
const html = readFileSync(join(WEB, "index.html"), "utf8");
const files = readdirSync(STATIC, { recursive: true }).map(String);
const read = (name) => readFileSync(join(STATIC, name), "utf8");

/** Every module that the page loads, found by following its imports. */
function graph(name, seen = new Set()) {
  if (seen.has(name)) return seen;
  seen.add(name);
  for (const [, target] of read(name).matchAll(/^(?:import|export) [^;]*?from "(\.[^"]+)";/gm)) {
    graph(relative(STATIC, join(STATIC, dirname(name), target)), seen);
  }
  return seen;
}

test("index.html preloads exactly the modules the page needs, so that none waits for another", () => {
  const preloaded = [...html.matchAll(/rel="modulepreload" href="\/static\/([^"]+)"/g)].map((match) => match[1]);
  const needed = [...graph("page/main.js")].filter((name) => name !== "page/main.js");
  assert.deepEqual([...preloaded].sort(), needed.sort());
});

test("every module is used", () => {
  const used = graph("admin/main.js", graph("watch/main.js", graph("page/main.js")));
  // Workers load their own modules, when they are needed.
  for (const name of [...used]) {
    for (const [, worker] of read(name).matchAll(/new Worker\(new URL\("(\.[^"]+)"/g)) graph(relative(STATIC, join(STATIC, dirname(name), worker)), used);
  }
  const unused = files.filter((name) => name.endsWith(".js") && !used.has(name) && name !== "sdk/types.js");
  assert.deepEqual(unused, []);
});

test("whatever index.html names exists", () => {
  for (const [, name] of html.matchAll(/(?:href|src)="\/static\/([^"]+)"/g)) assert.ok(files.includes(name), name);
});

test("the page fits a strict content security policy", () => {
  assert.doesNotMatch(html, /<script(?![^>]*\ssrc=)/, "inline script");
  assert.doesNotMatch(html, /\sstyle=|<style|\son\w+=/, "inline style or handler");
  for (const name of files.filter((file) => file.endsWith(".js"))) {
    const code = read(name);
    assert.doesNotMatch(code, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/, name);
    assert.doesNotMatch(code, /setAttribute\("style"/, name);
  }
});

test("nothing is fetched from elsewhere", () => {
  for (const name of files.filter((file) => /\.(js|css|svg)$/.test(file))) {
    const addresses = [...read(name).matchAll(/(?:https?:)?\/\/[\w-]+(?:\.[\w-]+)+/g)].map((match) => match[0]);
    assert.deepEqual(addresses.filter((address) => !address.endsWith("//www.w3.org")), [], name);
  }
  assert.doesNotMatch(html, /(?:href|src)="(?!\/static\/)/);
});

test("every icon that is asked for is drawn", () => {
  const drawn = new Set([...read("page/icons.js").matchAll(/^ {2}"?([\w-]+)"?: \[/gm)].map((match) => match[1]));
  for (const name of files.filter((file) => file.endsWith(".js"))) {
    for (const [, asked] of read(name).matchAll(/\bicon\("([\w-]+)"/g)) assert.ok(drawn.has(asked), `${asked} in ${name}`);
    for (const [, asked] of read(name).matchAll(/\bicon(?:Name)?: "([\w-]+)"/g)) assert.ok(drawn.has(asked), `${asked} in ${name}`);
  }
});
