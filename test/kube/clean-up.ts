import { afterEach } from "vitest";

/** Steps to take after each test of the file that imports this, the last one first. */
export const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});
