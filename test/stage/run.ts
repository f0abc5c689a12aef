import { execFile } from "node:child_process";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** stdout; rejects with what the command wrote to stderr. */
export async function run(command: string, args: readonly string[]): Promise<string> {
  try {
    return (await execute(command, [...args], { maxBuffer: 64 * 1024 * 1024 })).stdout.trim();
  } catch (error) {
    const { stderr = "", message } = error as { stderr?: string; message: string };
    throw new Error(`${command} ${args.join(" ")}: ${stderr || message}`, { cause: error });
  }
}
