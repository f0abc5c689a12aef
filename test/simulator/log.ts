export interface Log {
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
}

/** One JSON line per message on stdout; tests and demos read it. */
export function createLog(name: string): Log {
  const write =
    (level: string) =>
    (message: string, fields: object = {}) => {
      process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), level, name, message, ...fields })}\n`);
    };
  return { info: write("info"), warn: write("warn"), error: write("error") };
}

/** For what runs inside a test process. */
export const silentLog: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };
