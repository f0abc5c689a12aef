/** For options that are called only where the code has a bug. */
export const neverCalled = (error: unknown): never => {
  throw error;
};
