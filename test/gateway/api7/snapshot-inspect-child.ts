/** Inspects bodies of one shape after the other, each as large as it is told: whether it lives is what is asked. */
import { inspectSnapshot } from "../../../operator/gateway/api7/snapshot.ts";

const CONFIG = '{"config":{"config_version":1,"config_payload":{"a":1}}}';

/** What a body is made of again and again; the number makes names differ. */
const SHAPES: Record<string, [head: string, each: (i: number) => string, tail: string]> = {
  "objects without anything in them": ['{"routes":[{"id":"a"}],"x":[', () => "{}", "]}"],
  "items with no more than an id": ['{"routes":[', (i) => `{"id":${i}}`, "]}"],
  "items that name one thing each": ['{"upstreams":[', (i) => `{"id":${i},"${i}":1}`, "]}"],
  "lists in lists": ['{"routes":[{"id":"a","x":[', () => `${"[".repeat(99)}${"]".repeat(99)}`, "]}]}"],
  "one item of numbers": ['{"routes":[{"id":"a","x":[', () => "1", "]}]}"],
  "one item of many names": ['{"routes":[{"id":"a","x":{', (i) => `"${i}_":1`, "}}]}"],
  "many kinds": ["{", (i) => `"${i}":[]`, "}"],
  "no object": ["[", () => "{}", "]"],
  "a configuration of objects": ['{"config":{"config_version":1,"config_payload":{"a":[', () => "{}", "]}}}"],
};

function bodyOf([head, each, tail]: (typeof SHAPES)[string], bytes: number): Buffer {
  const body = Buffer.alloc(bytes);
  let at = body.write(head);
  for (let i = 0; at < bytes - 1_000; i += 1) at += body.write(`${i === 0 ? "" : ","}${each(i)}`, at);
  return body.subarray(0, at + body.write(tail, at));
}

const said: Record<string, string[]> = {};
for (const [name, shape] of Object.entries(SHAPES)) {
  const body = bodyOf(shape, Number(process.argv[2]));
  const isConfig = name.startsWith("a configuration");
  const { problems } = await inspectSnapshot(isConfig ? '{"routes":[{"id":"a"}]}' : body, isConfig ? body : CONFIG);
  said[name] = problems.map(({ object, fault }) => `${object}: ${fault}`);
}
console.log(JSON.stringify(said));
