// A process in which something is thrown that nobody catches. Started by process.test.ts; argv: throw or reject.
import { exitOnUncaught } from "../../operator/kube/process.ts";
import { createLog } from "../../operator/log.ts";

const say = (line: string) => process.stdout.write(`${line}\n`);
exitOnUncaught(createLog({ write: say }), { close: (why) => say(`gate closed: ${why}`) });
const thrown = new Error("nobody caught this");
setTimeout(() => {
  if (process.argv[2] === "throw") throw thrown;
  void Promise.reject(thrown);
});
// Goes on for ever if nothing ends it.
setInterval(() => say("still here"), 200);
