// One theme, searched in a thread of its own.
import { parentPort, workerData } from "node:worker_threads";
import { Search } from "./search.ts";
import { THEMES } from "./themes.ts";

const { theme: name, states, cureEach } = workerData as { theme: string; states: number; cureEach: number };
const theme = THEMES.find((one) => one.name === name);
if (theme) parentPort?.postMessage(new Search(theme, { states, cureEach }).run());
