import { defineConfig } from "vitest/config";

// Four tiers, cheapest first. Only `unit` runs without anything but Node.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: [
            "test/{api,domain,observe,act,gateway,storage,kube,scenarios,model,simulator,docs,hack}/**/*.test.ts",
            "test/*.test.ts",
            "test/lab/{ports,process}.test.ts",
          ],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: "contract",
          include: ["test/contract/**/*.test.ts", "test/lab/s3.test.ts", "test/lab/azurite.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "cluster",
          include: ["test/cluster/**/*.test.ts", "test/lab/control-plane.test.ts"],
          globalSetup: ["test/lab/cluster-setup.ts"],
          testTimeout: 120_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts", "test/lab/node.test.ts"],
          testTimeout: 600_000,
          hookTimeout: 900_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
