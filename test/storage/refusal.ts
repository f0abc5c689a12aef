import { expect } from "vitest";
import { StorageError } from "../../operator/storage/store.ts";

/** What a call to a store was refused with; one that succeeds fails the test. */
export async function refusal(call: Promise<unknown>): Promise<StorageError> {
  const outcome = await call.then(
    (value) => value,
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(StorageError);
  return outcome as StorageError;
}
